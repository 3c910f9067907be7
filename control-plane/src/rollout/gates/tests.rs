use super::*;

fn counts(requests: u64, block: u64) -> Counts {
    Counts {
        requests,
        block,
        ..Counts::default()
    }
}

fn block_share(candidate: Counts, control: Counts, before: Counts) -> Verdict {
    let sides = Sides { candidate, control };
    let measured = Measured {
        stage: &sides,
        recent: &Sides::default(),
        before: &before,
    };
    compared(&Gates::default(), measured, false)[0].verdict
}

#[test]
fn a_share_at_its_bound_holds_and_past_it_fails() {
    // A million requests leave 0.1 points to chance.
    let many = 1_000_000;
    let control = counts(many, 10_000);
    let none = Counts::default();
    assert_eq!(
        block_share(counts(many, 60_000), control, none),
        Verdict::Holds
    );
    assert_eq!(
        block_share(counts(many, 62_000), control, none),
        Verdict::Fails
    );
}

#[test]
fn what_chance_explains_fails_no_gate() {
    let none = Counts::default();
    assert_eq!(
        block_share(counts(100, 12), counts(100, 5), none),
        Verdict::Holds
    );
    assert_eq!(
        block_share(counts(100, 50), counts(100, 5), none),
        Verdict::Fails
    );
}

#[test]
fn one_request_too_few_is_not_judged() {
    let none = Counts::default();
    assert_eq!(
        block_share(counts(99, 99), counts(100, 0), none),
        Verdict::Waits
    );
    assert_eq!(
        block_share(counts(100, 100), counts(99, 0), none),
        Verdict::Waits
    );
    assert_eq!(
        block_share(counts(100, 100), counts(100, 0), none),
        Verdict::Fails
    );
}

#[test]
fn without_a_control_group_the_time_before_is_the_measure() {
    let none = Counts::default();
    assert_eq!(
        block_share(counts(100, 100), none, counts(100, 0)),
        Verdict::Fails
    );
    assert_eq!(
        block_share(counts(100, 100), none, counts(100, 100)),
        Verdict::Holds
    );
}

#[test]
fn a_bad_minute_is_not_hidden_by_a_good_hour() {
    let measured = Measured {
        stage: &Sides {
            candidate: counts(1_000_000, 0),
            control: counts(1_000_000, 0),
        },
        recent: &Sides {
            candidate: counts(1_000, 300),
            control: counts(1_000, 0),
        },
        before: &Counts::default(),
    };
    let checks = compared(&Gates::default(), measured, false);
    assert_eq!(checks[0].verdict, Verdict::Fails, "{checks:?}");
}

#[test]
fn in_monitor_mode_what_would_have_been_done_is_compared() {
    let of = |monitor| Counts {
        requests: 1_000,
        monitor,
        ..Counts::default()
    };
    let sides = Sides {
        candidate: of(400),
        control: of(0),
    };
    let measured = Measured {
        stage: &sides,
        recent: &sides,
        before: &Counts::default(),
    };
    let monitored = &compared(&Gates::default(), measured, true)[0];
    assert_eq!(monitored.verdict, Verdict::Fails);
    assert_eq!(monitored.gate, "monitored share");
    assert_eq!(
        compared(&Gates::default(), measured, false)[0].verdict,
        Verdict::Holds
    );
}

#[test]
fn errors_at_run_time_fail_their_gate_past_the_bound() {
    let of = |errors| Counts {
        requests: 1_000_000,
        errors,
        ..Counts::default()
    };
    for (errors, verdict) in [(10_000, Verdict::Holds), (11_000, Verdict::Fails)] {
        let sides = Sides {
            candidate: of(errors),
            control: of(0),
        };
        let measured = Measured {
            stage: &sides,
            recent: &sides,
            before: &Counts::default(),
        };
        assert_eq!(
            compared(&Gates::default(), measured, false)[2].verdict,
            verdict
        );
    }
}

#[test]
fn the_median_time_fails_its_gate_past_the_bound() {
    let of = |timed_within: [u64; 7]| Counts {
        timed: timed_within.iter().sum(),
        timed_within,
        ..Counts::default()
    };
    let check = |candidate| {
        let sides = Sides {
            candidate: of(candidate),
            control: of([0, 20, 0, 0, 0, 0, 0]),
        };
        latency(&sides, &Gates::default(), &Counts::default()).verdict
    };
    assert_eq!(check([0, 0, 0, 0, 19, 0, 0]), Verdict::Waits);
    // 17 µs there: 117 is the most, and 175 is past it.
    assert_eq!(check([0, 0, 0, 20, 0, 0, 0]), Verdict::Holds);
    assert_eq!(check([0, 0, 0, 0, 20, 0, 0]), Verdict::Fails);
    assert_eq!(check([0, 19, 0, 0, 0, 0, 1]), Verdict::Holds);
}
