use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use wasmtime::Engine;
use wasmtime::component::Component;

use super::cache::{Cache, host_of};
use super::folder::{FolderError, private_folder};
use super::{Kind, engine};
use crate::config::RuntimeSettings;
use crate::names::{Digest, HostSecret};

/// An empty component.
const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

const SECRET: HostSecret = HostSecret::new([7; 32]);

/// Enough for everything that a test stores.
const BYTES_MAX: u64 = 1 << 30;

fn small() -> Engine {
    let settings = RuntimeSettings {
        instances_max: 1,
        core_instances_per_component_max: 1,
        memories_per_component_max: 1,
        memory_keep_resident_bytes: 0,
        epoch_ms: 1,
        compiled_bytes_max: BYTES_MAX,
        reuse_bytes_max: 64 << 20,
    };
    engine(Kind::Domain, &settings).unwrap()
}

fn open(folder: &Path, engine: &Engine, bytes_max: u64) -> Cache {
    Cache::open(folder, bytes_max, &SECRET, &[host_of(engine)]).unwrap()
}

fn code(engine: &Engine) -> Vec<u8> {
    Component::from_binary(engine, EMPTY).unwrap().serialize().unwrap()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// A folder with the code of one component, and the path of its file.
fn filled(engine: &Engine) -> (tempfile::TempDir, PathBuf) {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("compiled");
    open(&folder, engine, BYTES_MAX).put(engine, Digest::of(EMPTY), &code(engine)).unwrap();
    let [file] = files(&folder).try_into().unwrap();
    (parent, file)
}

#[test]
fn code_is_there_for_the_next_start_of_the_same_host_and_only_its_owner_can_read_it() {
    let engine = small();
    let (_parent, file) = filled(&engine);
    let folder = file.parent().unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(folder), mode(&file)), (0o700, 0o600));
    let cache = open(folder, &engine, BYTES_MAX);
    assert!(cache.get(&engine, Digest::of(EMPTY)).is_some());
    assert!(cache.get(&engine, Digest::of(b"another")).is_none());
}

#[test]
fn code_that_this_host_did_not_write_is_not_loaded_and_is_replaced() {
    let engine = small();
    type Damage = fn(&Path);
    let damages: [(&str, Damage); 8] = [
        ("emptied", |file| fs::write(file, b"").unwrap()),
        ("cut", |file| fs::write(file, &fs::read(file).unwrap()[1..]).unwrap()),
        ("flipped", |file| {
            let mut bytes = fs::read(file).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(file, bytes).unwrap();
        }),
        ("gone", |file| fs::remove_file(file).unwrap()),
        ("another tag", |file| {
            let name = file.file_name().unwrap().to_str().unwrap();
            let (subject, tag) = name.rsplit_once('-').unwrap();
            fs::rename(file, file.with_file_name(format!("{subject}-{}", Digest::of(tag.as_bytes()).hex()))).unwrap();
        }),
        ("of another component", |file| {
            let name = file.file_name().unwrap().to_str().unwrap();
            let rest = name.split_once('-').unwrap().1;
            fs::rename(file, file.with_file_name(format!("{}-{rest}", Digest::of(b"another").hex()))).unwrap();
        }),
        ("others may write", |file| fs::set_permissions(file, fs::Permissions::from_mode(0o660)).unwrap()),
        ("a link", |file| {
            let real = file.with_file_name("../real");
            fs::rename(file, &real).unwrap();
            symlink(real, file).unwrap();
        }),
    ];
    // The damage is done while a host runs, and while none runs.
    for ((damage, apply), runs) in damages.into_iter().flat_map(|damage| [(damage, true), (damage, false)]) {
        let (_parent, file) = filled(&engine);
        let running = runs.then(|| open(file.parent().unwrap(), &engine, BYTES_MAX));
        apply(&file);
        let cache = running.unwrap_or_else(|| open(file.parent().unwrap(), &engine, BYTES_MAX));
        assert!(cache.get(&engine, Digest::of(EMPTY)).is_none(), "{damage}");
        assert!(cache.get(&engine, Digest::of(b"another")).is_none(), "{damage}");
        cache.put(&engine, Digest::of(EMPTY), &code(&engine)).unwrap();
        assert!(cache.get(&engine, Digest::of(EMPTY)).is_some(), "{damage}");
    }
}

#[test]
fn code_of_another_hosts_secret_is_not_loaded() {
    let engine = small();
    let (_parent, file) = filled(&engine);
    let other = HostSecret::new([8; 32]);
    let cache = Cache::open(file.parent().unwrap(), BYTES_MAX, &other, &[host_of(&engine)]).unwrap();
    assert!(cache.get(&engine, Digest::of(EMPTY)).is_none());
}

#[test]
fn what_no_engine_can_use_is_deleted_at_the_start() {
    let engine = small();
    let (_parent, file) = filled(&engine);
    let folder = file.parent().unwrap();
    let name = file.file_name().unwrap().to_str().unwrap();
    let earlier = name.replace(&format!("{:016x}", host_of(&engine)), "0123456789abcdef");
    for left in [earlier.as_str(), "0123-earlier", ".tmpx1", &format!("{name}.sum")] {
        fs::write(folder.join(left), b"x").unwrap();
    }
    let cache = open(folder, &engine, BYTES_MAX);
    assert_eq!(files(folder), std::slice::from_ref(&file));
    assert!(cache.get(&engine, Digest::of(EMPTY)).is_some());
}

#[test]
fn code_takes_no_more_room_than_it_may_and_what_releases_name_stays_longest() {
    let (engine, folder) = (small(), tempfile::tempdir().unwrap());
    let folder = folder.path().join("compiled");
    let code = code(&engine);
    let digest = |number: u32| Digest::of(&number.to_le_bytes());
    let room = 4 * code.len() as u64;
    let cache = open(&folder, &engine, room);
    let has = |cache: &Cache, number| cache.get(&engine, digest(number)).is_some();
    for number in [0, 1] {
        cache.put(&engine, digest(number), &code).unwrap();
    }
    cache.set_named(|named| *named == digest(0) || *named == digest(1));
    // Components that were judged and refused: no release ever names them.
    for number in 2..100 {
        cache.put(&engine, digest(number), &code).unwrap();
        assert!(has(&cache, number), "what was compiled last is there");
        let bytes: u64 = files(&folder).iter().map(|file| fs::metadata(file).unwrap().len()).sum();
        assert!(bytes <= room, "{bytes} bytes after {number}");
    }
    let left = |cache: &Cache| (0..100).filter(|number| has(cache, *number)).collect::<Vec<_>>();
    assert_eq!(left(&cache), [0, 1, 98, 99]);
    // The order of use outlives the host.
    assert!(has(&cache, 98));
    let cache = open(&folder, &engine, room);
    cache.set_named(|named| *named == digest(0));
    cache.put(&engine, digest(100), &code).unwrap();
    assert!(has(&cache, 0) && has(&cache, 100));
    assert_eq!(files(&folder).len(), 4);
    // All of them are named: the least recently used one is deleted.
    cache.set_named(|_| true);
    cache.put(&engine, digest(101), &code).unwrap();
    assert!(has(&cache, 101));
    assert_eq!(files(&folder).len(), 4);
}

#[test]
fn code_that_is_deleted_while_it_is_loaded_stays_with_who_loads_it() {
    let (engine, folder) = (small(), tempfile::tempdir().unwrap());
    let (folder, code) = (folder.path().join("compiled"), code(&engine));
    let cache = open(&folder, &engine, code.len() as u64);
    let digest = |number: u32| Digest::of(&number.to_le_bytes());
    std::thread::scope(|scope| {
        for of in 0..4 {
            let (cache, engine, code) = (&cache, &engine, &code);
            scope.spawn(move || {
                // There is room for one: each put deletes the files of the others, which may be loading them.
                for round in 0..200 {
                    let digest = digest((round + of) % 4);
                    if cache.get(engine, digest).is_none() {
                        cache.put(engine, digest, code).unwrap();
                    }
                }
            });
        }
    });
    assert_eq!(files(&folder).len(), 1);
}

#[test]
fn a_folder_that_others_may_write_to_is_refused_with_what_to_type() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("data");
    private_folder(&folder.join("deeper")).unwrap();
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    for mode in [0o770, 0o707, 0o777, 0o720] {
        fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).unwrap();
        let error = private_folder(&folder).unwrap_err();
        assert!(matches!(error, FolderError::Mode { .. }), "{error:?}");
        assert!(error.to_string().contains(&format!("chmod go-w {}", folder.display())), "{error}");
    }
    for mode in [0o700, 0o755, 0o750] {
        fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).unwrap();
        private_folder(&folder).unwrap();
    }
    let link = parent.path().join("link");
    symlink(&folder, &link).unwrap();
    assert!(matches!(private_folder(&link), Err(FolderError::Link { .. })));
    let file = parent.path().join("file");
    fs::write(&file, b"").unwrap();
    assert!(matches!(private_folder(&file), Err(FolderError::NotAFolder { .. })));
}

#[test]
fn a_folder_of_another_user_is_refused_with_what_to_type() {
    // Only root can change the owner of a folder; `/` belongs to root.
    let (folder, other) = (tempfile::tempdir().unwrap(), 12_345);
    let folder = folder.path().to_owned();
    let path = match std::os::unix::fs::chown(&folder, Some(other), None) {
        Ok(()) => folder,
        Err(_) => PathBuf::from("/"),
    };
    let error = private_folder(&path).unwrap_err();
    let FolderError::Owner { user, .. } = &error else { panic!("{error:?}") };
    assert!(error.to_string().contains(&format!("chown -R {user} {}", path.display())), "{error}");
}
