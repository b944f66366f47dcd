//! Models from a hub, against a hub on loopback: what is asked for, what ends
//! up in the cache, and what is said when something goes wrong.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of a test may end it as the test itself may"
)]

#[path = "../support/hub_server.rs"]
mod hub_server;
#[path = "../support/xet.rs"]
mod xet;

mod concurrency;
mod dialog;
mod downloads;
mod faults;
mod machine;
