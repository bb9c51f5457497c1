//! How a linker gets the interfaces of one file.

/// Defines `add_to_linker` of a file, which adds the interfaces that its `View` implements.
macro_rules! add_to_linker {
    ($($interface:ident),+) => {
        struct Borrowed;

        impl wasmtime::component::HasData for Borrowed {
            type Data<'a> = View<'a>;
        }

        pub(in crate::runtime) fn add_to_linker<T: 'static>(
            linker: &mut wasmtime::component::Linker<T>,
            view: fn(&mut T) -> View<'_>,
        ) -> wasmtime::Result<()> {
            $($interface::add_to_linker::<T, Borrowed>(linker, view)?;)+
            Ok(())
        }
    };
}
