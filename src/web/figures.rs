//! A database live: its figures once a second, while somebody looks.
//!
//! Who looks is asked again at each look, as for operations. However many look, the core reads a database once a
//! second. One that does not run is told once, as `down`, until it runs again.

use super::events::{Proof, answer};
use axum::response::{Response, sse::Event};
use control::ControlPlane;
use futures::stream;
use std::{convert::Infallible, time::Duration};
use tokio::time::{Instant, sleep_until};
use types::{AddonId, view::Figures};

/// Between two looks.
const LOOK: Duration = Duration::from_secs(1);

struct Follow {
    control: ControlPlane,
    proof: Proof,
    addon: AddonId,
    /// What is told first: read before the stream began.
    first: Option<Option<Figures>>,
    next: Instant,
    told_down: bool,
}

/// The stream of a database.
///
/// # Errors
/// `Unauthenticated`; `NotFound` also for what belongs to somebody else.
pub async fn follow(control: ControlPlane, proof: Proof, addon: AddonId) -> control::Result<Response> {
    let actor = proof.actor(&control).await?;
    let first = Some(control.figures_now(&actor, addon).await?);
    let follow = Follow { control, proof, addon, first, next: Instant::now() + LOOK, told_down: false };
    Ok(answer(stream::unfold(follow, |mut follow| async move {
        let event = follow.next().await?;
        Some((Ok::<_, Infallible>(event), follow))
    })))
}

impl Follow {
    /// The next event; the end when it may not be told any more.
    async fn next(&mut self) -> Option<Event> {
        loop {
            let figures = match self.first.take() {
                Some(first) => first,
                None => {
                    sleep_until(self.next).await;
                    // From now on, so that a slow look is not followed by a storm of them.
                    self.next = Instant::now() + LOOK;
                    self.look().await.ok()?
                }
            };
            match figures {
                Some(figures) => {
                    self.told_down = false;
                    return Event::default().event("figures").json_data(&figures).ok();
                }
                None if self.told_down => {}
                None => {
                    self.told_down = true;
                    return Some(Event::default().event("down").data("{}"));
                }
            }
        }
    }

    async fn look(&self) -> control::Result<Option<Figures>> {
        let actor = self.proof.actor(&self.control).await?;
        self.control.figures_now(&actor, self.addon).await
    }
}
