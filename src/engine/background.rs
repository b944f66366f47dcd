//! Threads that give way to the window.

/// Lower than the window's by this much; with 5 of Linux's steps a busy thread gets a third of what a
/// busy window gets, and nothing less where the window is idle.
#[cfg(target_os = "linux")]
const NICE: i32 = 5;

/// Runs `job` on a thread of its own. A frame that is due goes first: where both cores run a model, the
/// system would else give the window its turn some 20 ms later. Threads that the job starts, as those of
/// a pass, are like it.
pub fn spawn(job: impl FnOnce() + Send + 'static) {
    std::thread::spawn(move || {
        #[cfg(target_os = "linux")]
        give_way();
        job();
    });
}

/// Of the calling thread alone. Where the system refuses, the job runs as it is.
#[cfg(target_os = "linux")]
fn give_way() {
    use rustix::process::{getpriority_process, setpriority_process};
    let own = getpriority_process(None);
    let _ = own.and_then(|own| setpriority_process(None, (own + NICE).min(19)));
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use rustix::process::getpriority_process;

    #[test]
    fn its_threads_give_way_and_the_one_that_starts_them_does_not() {
        let here = || getpriority_process(None).unwrap();
        let (sender, heard) = std::sync::mpsc::channel();
        let before = here();
        spawn(move || {
            let inner = std::thread::spawn(here).join().unwrap();
            sender.send([here(), inner]).unwrap();
        });
        let expected = (before + NICE).min(19);
        assert_eq!(heard.recv().unwrap(), [expected; 2]);
        assert_eq!(here(), before);
    }
}
