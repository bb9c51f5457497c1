use super::*;

#[test]
fn the_bound_is_on_the_sum_of_all_memories() {
    let mut memory = Memory::new(100);
    assert!(memory.memory_growing(0, 60, None).unwrap());
    assert!(memory.memory_growing(0, 40, None).unwrap());
    assert!(!memory.refused());
    assert!(!memory.memory_growing(40, 41, None).unwrap());
    assert!(memory.refused());
    assert_eq!(memory.bytes, 100);
}

#[test]
fn growth_that_the_memory_itself_forbids_is_not_counted() {
    let mut memory = Memory::new(100);
    assert!(memory.memory_growing(0, 50, Some(10)).unwrap());
    assert_eq!(memory.bytes, 0);
}

#[test]
fn memory_that_the_machine_lacks_is_not_the_guests_fault() {
    let mut memory = Memory::new(100);
    memory.memory_grow_failed(wasmtime::Error::msg("memory growth of a fixed-size memory")).unwrap();
    assert_eq!(memory.shortage(), None);
    let lacking = wasmtime::Error::from(rustix::io::Errno::NOMEM).context("failed to protect memory");
    memory.memory_grow_failed(lacking).unwrap();
    assert!(memory.shortage().is_some_and(|shortage| shortage.contains("memory")));
}
