use std::io;

use rustix::io::Errno;

use super::*;

#[test]
fn a_shortage_of_the_machine_is_no_trap_of_the_component() {
    let cause = |error: wasmtime::Error| Failure::of(error.context("the memory image cannot be mapped"), 1).cause();
    for code in [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::NOBUFS, Errno::AGAIN, Errno::ADDRNOTAVAIL] {
        assert_eq!(cause(code.into()), "resources", "{code}");
        assert_eq!(cause(io::Error::from(code).into()), "resources", "{code}");
    }
    for code in [Errno::CONNREFUSED, Errno::INVAL, Errno::PIPE] {
        assert_eq!(cause(io::Error::from(code).into()), "trap", "{code}");
    }
    assert_eq!(cause(Trap::UnreachableCodeReached.into()), "trap");
}
