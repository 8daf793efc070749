//! The demo's story when nobody watches: each fault in turn, then calm.
//! Not here: how it is shown.

use crate::app::demo::stage::Stage;
use anyhow::Result;
use std::time::Duration;

/// One thing that happens, and when.
#[derive(Debug)]
pub(super) struct Scene {
    pub at: Duration,
    pub words: &'static str,
    act: Act,
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Down,
    Flood,
    LostAnswers,
    Crash,
    Restart,
    Pause,
    RefuseToken,
    End,
}

/// The scenes of a story of this length, in order.
pub(super) fn scenes(length: Duration) -> Vec<Scene> {
    let scene = |share: f64, words, act| Scene { at: length.mul_f64(share), words, act };
    vec![
        scene(0.12, "HubSpot answers 503 to everybody", Act::Down),
        scene(0.25, "HubSpot is back", Act::Down),
        scene(0.30, "one tenant floods: 400 events a second more", Act::Flood),
        scene(0.42, "the flood is over", Act::Flood),
        scene(0.45, "HubSpot applies, but 30 % of its answers are lost", Act::LostAnswers),
        scene(0.55, "answers arrive again", Act::LostAnswers),
        scene(0.60, "the engine is killed in mid-call", Act::Crash),
        scene(0.64, "the engine starts again", Act::Restart),
        scene(0.70, "a person pauses one tenant", Act::Pause),
        scene(0.74, "HubSpot refuses the token of another: 401", Act::RefuseToken),
        scene(0.84, "the paused tenant is resumed", Act::Pause),
        scene(0.88, "the refused token works again", Act::RefuseToken),
        scene(1.0, "no more events", Act::End),
    ]
}

impl Scene {
    pub(super) fn play(&self, stage: &Stage) -> Result<()> {
        let switches = stage.switches();
        match self.act {
            Act::Down => drop(stage.switch(&switches.down)),
            Act::Flood => drop(stage.switch(&switches.flood)),
            Act::LostAnswers => drop(stage.switch(&switches.lost_answers)),
            Act::Crash => stage.crash()?,
            Act::Restart => stage.restart()?,
            Act::Pause => drop(stage.pause()?),
            Act::RefuseToken => drop(stage.refuse_token()),
            Act::End => stage.end_stream(),
        }
        Ok(())
    }

    pub(super) fn is_last(&self) -> bool {
        matches!(self.act, Act::End)
    }
}

#[cfg(test)]
mod tests {
    use super::scenes;
    use std::time::Duration;

    #[test]
    fn the_story_goes_forward_and_ends() {
        let story = scenes(Duration::from_secs(60));
        assert!(story.windows(2).all(|it| it.first().map(|a| a.at) < it.last().map(|b| b.at)));
        assert!(story.last().is_some_and(super::Scene::is_last));
    }
}
