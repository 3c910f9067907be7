//! The tour of the product, each step on a stack of its own: real Envoy, real Chromium.

use anyhow::Result;
use countersign_e2e::tour;

#[test]
fn tour_1_a_high_score_is_challenged() -> Result<()> {
    tour::take_alone(1)
}

#[test]
fn tour_2_a_person_passes_and_comes_back() -> Result<()> {
    tour::take_alone(2)
}

#[test]
fn tour_3_sensitive_paths_challenge_whatever_the_score() -> Result<()> {
    tour::take_alone(3)
}

#[test]
fn tour_4_a_changed_policy_is_live_everywhere_at_once() -> Result<()> {
    tour::take_alone(4)
}

#[test]
fn tour_5_the_numbers_equal_what_was_done() -> Result<()> {
    tour::take_alone(5)
}

#[test]
fn tour_6_each_part_may_fail() -> Result<()> {
    tour::take_alone(6)
}
