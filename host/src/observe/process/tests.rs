use super::*;

#[test]
fn the_figures_of_this_process_are_plausible() {
    let mut text = Exposition::default();
    text.process(Path::new("."));
    let value = |name: &str| {
        let line = text.0.lines().find(|line| line.split([' ', '{']).next() == Some(name));
        let value = line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        value.unwrap_or_else(|| panic!("no {name} in\n{}", text.0))
    };
    assert_eq!(value("switchyard_build_info"), 1.0);
    assert!(value("process_resident_memory_bytes") > 1e6 && value("process_resident_memory_bytes") < 1e12);
    assert!(value("process_virtual_memory_bytes") >= value("process_resident_memory_bytes"));
    assert!(value("process_start_time_seconds") > 1.6e9);
    assert!(value("process_cpu_seconds_total") >= 0.0 && value("process_threads") >= 1.0);
    assert!(value("process_open_fds") >= 3.0 && value("process_open_fds") < value("process_max_fds"));
    assert!(value("switchyard_disk_free_bytes") <= value("switchyard_disk_bytes"));
}

#[test]
fn the_name_of_a_program_confuses_nobody() {
    let stat = "7 (a) R 1 2) S 1 7 7 0 -1 4194560 1 2 3 4 250 150 0 0 20 0 9 0 500 1 2";
    assert_eq!((cpu_seconds(stat), start_seconds(stat, "cpu 1\nbtime 1000\n")), (Some(4.0), Some(1005.0)));
}
