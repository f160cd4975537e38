//! Trying again within a deadline.
//!
//! In: something to ask, a deadline. Out: its answer, its first error that waiting does not mend, or the deadline with the
//! last error's words. Waits grow and are cut at random.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use crate::error::BucketError;
use crate::limits::{FIRST_BACKOFF, LONGEST_BACKOFF};

/// Asks until there is an answer.
pub(crate) async fn again<T, A>(deadline: Instant, mut ask: impl FnMut() -> A) -> Result<T, BucketError>
where
    A: Future<Output = Result<T, BucketError>>,
{
    let mut backoff = FIRST_BACKOFF;
    let mut last = "nothing was answered".to_owned();
    loop {
        match timeout_at(deadline, ask()).await {
            Err(_) => return Err(BucketError::Deadline { last }),
            Ok(Err(error)) if error.is_temporary() => last = error.to_string(),
            Ok(answer) => return answer,
        }
        let wait = shortened(backoff);
        if Instant::now() + wait >= deadline {
            return Err(BucketError::Deadline { last });
        }
        tracing::debug!("a bucket is asked again in {} ms: {last}", wait.as_millis());
        sleep(wait).await;
        backoff = LONGEST_BACKOFF.min(backoff * 2);
    }
}

/// Between a half and all of it.
fn shortened(wait: Duration) -> Duration {
    let mut byte = [0xff];
    // Without randomness, all of it.
    let _ = getrandom::fill(&mut byte);
    wait.mul_f64(0.5 + f64::from(byte[0]) / 510.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    fn busy() -> BucketError {
        BucketError::Busy { status: 503, code: "SlowDown".to_owned() }
    }

    #[tokio::test(start_paused = true)]
    async fn busy_servers_are_asked_again_and_refusals_are_not() {
        let asked = Cell::new(0);
        let ask = || async {
            asked.set(asked.get() + 1);
            if asked.get() < 4 { Err(busy()) } else { Ok(asked.get()) }
        };
        assert_eq!(again(Instant::now() + Duration::from_secs(60), ask).await.unwrap(), 4);
        asked.set(0);
        let refuse = || async {
            asked.set(asked.get() + 1);
            Err::<(), _>(BucketError::ExpiredKey)
        };
        let refused = again(Instant::now() + Duration::from_secs(60), refuse).await;
        assert!(matches!(refused, Err(BucketError::ExpiredKey)) && asked.get() == 1);
    }

    #[tokio::test(start_paused = true)]
    async fn the_deadline_holds_for_silence_and_for_refusals() {
        let began = Instant::now();
        let deadline = began + Duration::from_secs(20);
        let silent = again(deadline, std::future::pending::<Result<(), _>>).await;
        assert!(matches!(silent, Err(BucketError::Deadline { .. })) && Instant::now() == deadline);
        let deadline = Instant::now() + Duration::from_secs(20);
        let Err(BucketError::Deadline { last }) = again(deadline, || async { Err::<(), _>(busy()) }).await else {
            panic!("no deadline");
        };
        assert!(last.contains("SlowDown") && Instant::now() < deadline);
    }

    #[test]
    fn a_wait_is_cut_by_up_to_a_half() {
        for _ in 0..200 {
            let wait = shortened(Duration::from_secs(2));
            assert!((Duration::from_secs(1)..=Duration::from_secs(2)).contains(&wait), "{wait:?}");
        }
    }
}
