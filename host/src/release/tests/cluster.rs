//! Releases of a cluster: a node needs nothing but the stream and its object store.

use std::time::Duration;

use super::*;
use crate::journal::stream::simulated::SimulatedStream;
use crate::store::ClusterMember;
use crate::tasks::{Thread, thread};

/// A stream, and a thread that delivers what is on its way.
struct Network {
    stream: SimulatedStream,
    thread: Option<Thread<()>>,
}

impl Network {
    fn new() -> Self {
        let stream = SimulatedStream::new(1);
        let delivers = stream.clone();
        let thread = thread("network", move || delivers.run(), |_| {}).expect("a thread");
        Self { stream, thread: Some(thread) }
    }

    /// The control plane of the node `node`, whose data directory is in `folder`.
    fn join(&self, node: &str, configuration: &Configuration, folder: &Path) -> (Releases, Stores) {
        let open = |_has| Ok(self.stream.as_stream());
        let member = ClusterMember { lease: Duration::from_secs(60), ..ClusterMember::of_test(&open, node) };
        let (data, settings) = (folder.join("data"), &configuration.manifest.store);
        let stores = tokio::task::block_in_place(|| {
            Stores::open_archiving(&data, settings, &[], None, Some((&member, &|_| {})))
        });
        let stores = stores.expect("stores");
        let releases = start(&stores, configuration, folder);
        // As the host does in the background.
        let share = releases.share_files();
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(share));
        (releases, stores)
    }

    fn objects(&self) -> Vec<String> {
        self.stream.stored_objects().into_keys().collect()
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.stream.close();
        let _reported = self.thread.take().map(Thread::join);
    }
}

/// What an apply of `component` as that of the service asks for.
fn wanted(releases: &Releases, configuration: &Configuration, component: Vec<u8>) -> Wanted {
    Wanted {
        manifest: configuration.with_text(SERVICES).expect("a good manifest"),
        components: BTreeMap::from([(name("first"), releases.upload(component.into()))]),
        contracts: None,
        reason: None,
        signatures: BTreeMap::new(),
        reset_releases: false,
        scope: Scope::All,
    }
}

/// Another component with the same contract.
fn other() -> Vec<u8> {
    // A custom section: its name and its content change nothing.
    [alone(), vec![0, 3, 1, b'x', 1]].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_an_empty_data_directory_runs_the_releases_of_its_cluster() {
    let network = Network::new();
    let (folder, configuration) = folder();
    let (releases, stores) = network.join("a", &configuration, folder.path());
    assert_eq!(network.objects().len(), 2, "a component and its contracts: {:?}", network.objects());
    releases.apply(&Holder::admin(), wanted(&releases, &configuration, other()), false).await.expect("it is applied");
    assert_eq!(network.objects().len(), 3, "the release before it is kept: {:?}", network.objects());
    stores.close().expect("closed");

    let (folder, configuration) = super::folder();
    let (releases, stores) = network.join("b", &configuration, folder.path());
    assert_eq!(releases.names(), [name("first")]);
    for (named, count) in [("components", 2), ("contracts", 1)] {
        let files = std::fs::read_dir(folder.path().join("data").join(named)).expect("a folder");
        assert_eq!(files.count(), count, "{named}");
    }
    drop(releases);
    stores.close().expect("closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deploy_that_the_object_store_does_not_take_changes_nothing() {
    let network = Network::new();
    let (folder, configuration) = folder();
    let (releases, stores) = network.join("a", &configuration, folder.path());
    let (objects, last) = (network.objects(), stores.last());
    let mut refusals = 0;
    for answered in 0.. {
        network.stream.answer_objects(Some(answered));
        let wanted = wanted(&releases, &configuration, other());
        let Err(refused) = releases.apply(&Holder::admin(), wanted, false).await else { break };
        assert!(crate::observe::error_chain(&refused).contains("the object store of the cluster"), "{refused:?}");
        assert_eq!((network.objects(), stores.last()), (objects.clone(), last), "{answered} answers");
        refusals += 1;
    }
    assert!(refusals > 2, "the contracts and the component, looked up and stored: {refusals}");
    assert_eq!(network.objects().len(), 3);
    stores.close().expect("closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_files_of_a_data_directory_from_before_the_cluster_come_into_its_object_store() {
    let network = Network::new();
    let (folder, configuration) = folder();
    let manifest = &configuration.manifest;
    let alone = Stores::open(&folder.path().join("data"), &manifest.store, &[]).expect("stores");
    drop(start(&alone, &configuration, folder.path()));
    alone.close().expect("closed");
    let (_releases, stores) = network.join("a", &configuration, folder.path());
    assert_eq!(network.objects().len(), 2, "{:?}", network.objects());
    stores.close().expect("closed");
}
