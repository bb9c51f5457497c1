use super::*;

fn circuit(failures: u32, clients: u32, pause: Duration) -> Circuit {
    let millis = u64::try_from(pause.as_millis()).unwrap();
    let limits = crate::call::api::tests::LIMITS;
    Circuit::new(&LimitSettings {
        circuit_failures: failures,
        circuit_clients: clients,
        circuit_open_ms: millis,
        ..limits
    })
}

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn the_circuit_judges_by_the_rate_of_failures() {
    let circuit = circuit(3, 1, HOUR);
    let client = Client(1);
    assert!(!circuit.failed(client));
    // Three of six calls fail.
    (0..3).for_each(|_| circuit.succeeded());
    assert!(!circuit.failed(client));
    assert!(circuit.failed(client));
    assert!(circuit.is_open() && !circuit.lets_through());
    // A minority of failures never opens it.
    let healthy = super::tests::circuit(3, 1, HOUR);
    for _ in 0..100 {
        (0..3).for_each(|_| healthy.succeeded());
        assert!(!healthy.failed(client));
    }
}

#[test]
fn one_client_does_not_open_the_circuit_for_all() {
    let circuit = circuit(20, 3, HOUR);
    for _ in 0..1_000 {
        assert!(!circuit.failed(Client(1)));
    }
    // Neither do two failures. And many failures of one client do not hide the failures of others.
    (0..100).for_each(|_| assert!(!circuit.failed(Client(2))));
    let opened = (0..20).find(|_| circuit.failed(Client(1)) || circuit.failed(Client(3)));
    assert!(opened.is_some() && circuit.is_open());
}

#[test]
fn after_the_pause_one_call_tries_and_its_success_closes_the_circuit() {
    let circuit = circuit(3, 1, HOUR);
    (0..3).for_each(|_| _ = circuit.failed(Client(1)));
    let pause_is_over = || circuit.lock().next_try = Some(clock::now());
    pause_is_over();
    assert!(circuit.lets_through());
    assert!(!circuit.lets_through(), "one in a pause");
    assert!(!circuit.failed(Client(1)) && !circuit.lets_through(), "it is open already");
    pause_is_over();
    assert!(circuit.lets_through());
    circuit.succeeded();
    assert!(circuit.lets_through() && !circuit.is_open());
}

#[test]
fn a_try_without_a_result_is_followed_by_one_in_the_next_pause() {
    let circuit = circuit(3, 1, Duration::ZERO);
    (0..3).for_each(|_| _ = circuit.failed(Client(1)));
    for _ in 0..3 {
        assert!(circuit.lets_through() && circuit.is_open());
    }
}
