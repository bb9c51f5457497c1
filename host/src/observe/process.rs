//! Metrics of the process, the build and the disk, measured when they are asked for. `process_*` has the names that all
//! exporters use.

#[cfg(test)]
mod tests;

use std::path::Path;

use super::build::{COMMIT, VERSION, WASMTIME};
use super::exposition::Exposition;

/// Ticks per second in `/proc`, the same on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;

impl Exposition {
    /// Writes what is known of this process, and of the disk that has the folder `data`.
    pub(super) fn process(&mut self, data: &Path) {
        let build = [("version", VERSION), ("commit", COMMIT), ("wasmtime", WASMTIME)];
        self.family("switchyard_build_info", |text| text.sample("switchyard_build_info", &build, 1.0));
        let read = |name: &str| std::fs::read_to_string(name).unwrap_or_default();
        let (stat, status) = (read("/proc/self/stat"), read("/proc/self/status"));
        let kibibytes = |key: &str| field(&status, key).map(|kibibytes| kibibytes * 1024.0);
        let disk = rustix::fs::statvfs(data).ok();
        // Exact up to 2^53 bytes; a larger disk is nearly empty or nearly full all the same.
        let space = |blocks: u64, block: u64| blocks.saturating_mul(block) as f64;
        let figures = [
            ("switchyard_disk_bytes", disk.as_ref().map(|disk| space(disk.f_blocks, disk.f_frsize))),
            ("switchyard_disk_free_bytes", disk.as_ref().map(|disk| space(disk.f_bavail, disk.f_frsize))),
            ("process_cpu_seconds_total", cpu_seconds(&stat)),
            ("process_start_time_seconds", start_seconds(&stat, &read("/proc/stat"))),
            ("process_resident_memory_bytes", kibibytes("VmRSS:")),
            ("process_virtual_memory_bytes", kibibytes("VmSize:")),
            ("process_threads", field(&status, "Threads:")),
            ("process_max_fds", field(&read("/proc/self/limits"), "Max open files")),
            ("process_open_fds", open_descriptors()),
        ];
        for (name, value) in figures {
            if let Some(value) = value {
                self.family(name, |text| text.sample(name, &[], value));
            }
        }
    }
}

/// A field of `/proc/self/stat`, counted after the name of the program, which may contain anything.
fn stat_field(stat: &str, position: usize) -> Option<f64> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(position)?.parse().ok()
}

fn cpu_seconds(stat: &str) -> Option<f64> {
    Some((stat_field(stat, 11)? + stat_field(stat, 12)?) / TICKS_PER_SECOND)
}

fn start_seconds(stat: &str, machine: &str) -> Option<f64> {
    Some(field(machine, "btime")? + stat_field(stat, 19)? / TICKS_PER_SECOND)
}

/// The number after `key` at the start of a line.
fn field(text: &str, key: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(key)?.split_whitespace().next()?.parse().ok())
}

fn open_descriptors() -> Option<f64> {
    let count = std::fs::read_dir("/proc/self/fd").ok()?.count();
    // One of them is the folder itself.
    u32::try_from(count.saturating_sub(1)).ok().map(f64::from)
}
