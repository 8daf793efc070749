//! What stands still in the demo: a tenant that a person paused, one whose token is refused, and whatever else is held.
//! Not here: faults of the whole CRM.

use crate::app::demo::stage::{SHARDS, Stage};
use crate::app::demo::stream;
use crate::app::jobs::outgoing;
use crate::model::{Hold, HoldCause, Millis, Pause, TenantId};
use crate::ops::{Act, Wish, command, messages};
use crate::ports::Event;
use crate::simulated::hubspot::{Fault, FaultRule};
use anyhow::{Context, Result};
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Stage {
    /// Pauses one tenant, or resumes it, as `sluicegate pause` does: by a command in the log. Answers whether it is
    /// paused now.
    pub(in crate::app::demo) fn pause(&self) -> Result<bool> {
        let on = !self.switches.paused.load(Ordering::Relaxed);
        let act = if on { Act::Pause } else { Act::Resume };
        let wish = Wish {
            scope: format!("tenant/{}", self.paused_tenant()),
            reason: "to see what happens".to_owned(),
            actor: "the viewer".to_owned(),
            until: None,
        };
        let command = command(act, &wish, self.clock.now())?;
        let producer = self.engine().as_ref().map(|it| it.producer.clone()).context("the engine is down")?;
        producer.send(messages(&command, SHARDS).into_iter().map(outgoing).collect())?;
        self.switches.paused.store(on, Ordering::Relaxed);
        Ok(on)
    }

    /// The pretend HubSpot refuses the token of one tenant, or accepts it again, of which the engine hears at once.
    /// Answers whether it is refused now.
    pub(in crate::app::demo) fn refuse_token(&self) -> bool {
        let on = !self.switches.refused.load(Ordering::Relaxed);
        let tenant = self.refused_tenant();
        let rules =
            if on { vec![FaultRule::always(Fault::Status { status: 401, retry_after_s: None })] } else { vec![] };
        self.hubspot.accounts.set_faults(Some(&super::token(&tenant)), rules);
        self.switches.refused.store(on, Ordering::Relaxed);
        let events = self.engine().as_ref().map(|it| it.events.clone());
        if let Some(events) = events.filter(|_| !on) {
            events.send(Event::AccessChanged(super::connection(&tenant)));
        }
        on
    }

    pub(super) fn go_on(&self) -> Result<()> {
        if self.switches.refused.load(Ordering::Relaxed) {
            self.refuse_token();
        }
        if self.switches.paused.load(Ordering::Relaxed) {
            self.pause()?;
        }
        Ok(())
    }

    /// The last tenant is the one to be paused, the one before it the one to be refused.
    pub(in crate::app::demo) fn paused_tenant(&self) -> TenantId {
        self.tenant_from_end(1)
    }

    pub(in crate::app::demo) fn refused_tenant(&self) -> TenantId {
        self.tenant_from_end(2)
    }

    fn tenant_from_end(&self, place: usize) -> TenantId {
        let number = u32::try_from(self.tenants.len().saturating_sub(place)).unwrap_or(0);
        TenantId::from(stream::tenant_name(number).as_str())
    }

    /// One line for each pause and each hold, those that a person wanted first.
    pub(in crate::app::demo) fn standing_still(&self) -> Vec<String> {
        let Some(pulse) = self.engine().as_ref().map(|it| Arc::clone(&it.pulse)) else {
            return vec!["everything: the engine is down".to_owned()];
        };
        let (seen, now) = (pulse.seen(), self.clock.now());
        let pauses = seen.pauses.iter().map(|(scope, pause)| format!("{scope} {}", of_pause(pause, now)));
        let holds = seen.holds.iter().map(|(id, hold)| format!("{} {}", id.tenant, of_hold(hold, now)));
        pauses.chain(holds).collect()
    }
}

fn of_pause(pause: &Pause, now: Millis) -> String {
    format!("paused {} s ago by {}", now.since(pause.since).as_secs(), pause.actor)
}

fn of_hold(hold: &Hold, now: Millis) -> String {
    let said = hold.status.map_or_else(String::new, |it| format!(" ({it})"));
    let cause = match hold.cause {
        HoldCause::Outage => "outage",
        HoldCause::Credentials => "token",
        HoldCause::Quota => "quota",
        HoldCause::Unconfigured => "not configured",
    };
    format!("held: {cause}{said}, next try in {} s", hold.next.since(now).as_secs())
}
