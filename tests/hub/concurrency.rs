//! Cancelling, and two downloads at once.

use std::thread;
use std::time::{Duration, Instant};

use embedscope::cancel::Cancel;
use embedscope::model::source::{self, SourceError};

use crate::hub_server::{HubServer, Pace, Request};
use crate::machine::*;
use crate::xet;

#[test]
fn cancel_ends_a_slow_download_at_once_and_leaves_nothing() {
    within(seconds(20), || {
        let hub = HubServer::start(|request| {
            let pace = if request.path.ends_with(WEIGHTS) {
                Pace::Dribble
            } else {
                Pace::Whole
            };
            tiny().answer(request).paced(pace)
        });
        let machine = Machine::new(&hub.url());
        let cancel = Cancel::new();
        let stopper = thread::spawn({
            let cancel = cancel.clone();
            move || {
                thread::sleep(Duration::from_millis(700));
                cancel.cancel();
                Instant::now()
            }
        });
        let error = machine.resolve_until(ID, &cancel).unwrap_err();
        let late = stopper.join().unwrap().elapsed();
        assert!(matches!(error, SourceError::Cancelled), "{error}");
        assert!(late < seconds(1), "returned {late:?} after the cancel");
        machine.assert_nothing_of(WEIGHTS, &tiny().files[WEIGHTS]);
        // And a second go completes it, taking up what had arrived.
        let hub = HubServer::serving(tiny());
        let mut machine = machine;
        machine.options.endpoint = Some(hub.url());
        machine.resolve(ID).unwrap();
        assert!(
            !hub.requests().iter().any(|r| r.gets("tokenizer.json")),
            "what was there is kept"
        );
    });
}

#[test]
fn a_cancelled_job_does_not_even_begin() {
    within(seconds(5), || {
        let hub = HubServer::serving(tiny());
        let cancel = Cancel::new();
        cancel.cancel();
        let error = Machine::new(&hub.url())
            .resolve_until(ID, &cancel)
            .unwrap_err();
        assert!(matches!(error, SourceError::Cancelled), "{error}");
    });
}

#[test]
fn two_at_once_do_not_disturb_each_other() {
    within(seconds(30), || {
        let hub = HubServer::start(|request| {
            let slow = request.path == "/cdn/model.safetensors";
            tiny()
                .answer(request)
                .paced(if slow { Pace::Dribble } else { Pace::Whole })
        });
        let machine = Machine::new(&hub.url());
        thread::scope(|scope| {
            let both = [(); 2]
                .map(|()| scope.spawn(|| machine.resolve(ID).map(|files| files.hash().unwrap())));
            let [one, two] = both.map(|thread| thread.join().unwrap().unwrap());
            assert_eq!(one, two);
        });
        let weights = |r: &&Request| r.path == "/cdn/model.safetensors";
        assert_eq!(
            hub.requests().iter().filter(weights).count(),
            1,
            "the second finds what the first brought"
        );
        assert_eq!(source::cached(&machine.options)[0].missing, None);
    });
}

#[test]
fn cancel_ends_a_download_from_xet_storage_too() {
    within(seconds(30), || {
        let hub = HubServer::start(|request| {
            let slow = request.path.starts_with("/xorb/");
            xet::answer(&tiny(), request).paced(if slow { Pace::Hang } else { Pace::Whole })
        });
        let machine = Machine::new(&hub.url());
        let cancel = Cancel::new();
        let (error, late) = thread::scope(|scope| {
            let job = scope.spawn(|| {
                (
                    machine.resolve_until(ID, &cancel).unwrap_err(),
                    Instant::now(),
                )
            });
            thread::sleep(Duration::from_millis(1500));
            cancel.cancel();
            let asked = Instant::now();
            let (error, end) = job.join().unwrap();
            (error, end.saturating_duration_since(asked))
        });
        assert!(matches!(error, SourceError::Cancelled), "{error}");
        assert!(late < seconds(1), "returned {late:?} after the cancel");
        machine.assert_nothing_of(WEIGHTS, &tiny().files[WEIGHTS]);
    });
}
