//! Who runs something on the stores of a node that follows, and has to know when they change under it.

/// Hears what a node takes over.
pub(crate) trait Observer: Sync {
    /// A commit that writes these keys of the platform's store is applied after the return.
    fn before_platform_commit(&self, keys: &mut dyn Iterator<Item = &str>);

    /// A message was applied, and the node has everything that was in the stream when it began to follow.
    fn is_current(&self);
}

/// Nothing runs on the stores.
#[cfg(any(test, feature = "fail-points"))]
pub(super) struct NobodyReads;

#[cfg(any(test, feature = "fail-points"))]
impl Observer for NobodyReads {
    fn before_platform_commit(&self, _keys: &mut dyn Iterator<Item = &str>) {}

    fn is_current(&self) {}
}
