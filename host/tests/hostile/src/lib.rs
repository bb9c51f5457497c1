//! Guests for the tests of the host: a file per scenario, each of them something that the host must withstand, and
//! `ordinary.rs` for what any component does.

mod bindings;

mod allocates;
mod answers;
mod cycles;
mod emits;
mod exits;
mod floods;
mod hands_over;
mod holds;
mod ordinary;
mod panics;
mod recurses;
mod sleeps;
mod spins;
mod waits;
mod writes;

use bindings::exports::test::hostile::{cycle, scenarios};

struct Guest;

impl scenarios::Guest for Guest {
    fn spin() {
        spins::without_end();
    }

    fn allocate() {
        allocates::until_refused();
    }

    fn recurse() -> u64 {
        recurses::without_end(0)
    }

    fn panic(why: String) {
        panics::because(&why);
    }

    fn exit() {
        exits::in_the_middle();
    }

    fn flood(bytes: u32) {
        floods::with(bytes);
    }

    fn emit_on() {
        emits::without_end();
    }

    fn write_on() {
        writes::without_end();
    }

    fn write_key(bytes: u32) {
        writes::key_of(bytes);
    }

    fn write_value(bytes: u32) {
        writes::value_of(bytes);
    }

    fn write_while_reading() {
        writes::value_of(1);
    }

    fn emit_while_reading() {
        emits::once();
    }

    fn answer_text(bytes: u32) -> String {
        answers::text_of(bytes)
    }

    fn answer_list(items: u32) -> Vec<u8> {
        answers::list_of(items)
    }

    fn hand_over(items: u32) {
        hands_over::list_of(items);
    }

    fn sleep(ms: u32) {
        sleeps::for_ms(ms);
    }

    fn hold_on() {
        holds::without_end();
    }

    fn wait() {
        waits::for_ever();
    }
}

impl cycle::Guest for Guest {
    fn go_around(depth: u32) -> u32 {
        cycles::deeper(depth)
    }
}
