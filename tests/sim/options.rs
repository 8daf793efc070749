//! What one seed draws: sizes, settings and which faults are off, likely or wild (swarm testing).
//! Not here: when a fault strikes (`faults`), what the workload looks like in detail (`workload`).

use crate::dice::Dice;

/// Everything a run depends on; printed in full when a seed fails.
#[derive(Clone, Debug)]
pub struct Options {
    pub seed: u64,
    pub instances: usize,
    pub shards: u32,
    pub tenants: usize,
    pub connections_max: usize,
    pub records: u64,
    pub jobs: usize,
    /// How long faults strike and jobs arrive, ms.
    pub faulty_ms: u64,
    /// How long everything may take to drain afterwards, ms.
    pub drain_ms: u64,
    pub machine: MachineOptions,
    pub log: LogOptions,
    pub crm: CrmOptions,
    pub limits: LimitOptions,
    pub process: ProcessOptions,
    pub input: InputOptions,
    pub operator: OperatorOptions,
}

/// Settings of the engine under test.
#[derive(Clone, Debug)]
pub struct MachineOptions {
    pub batch_max: usize,
    pub retry_base_ms: u64,
    pub retries: u32,
    pub hold_after: Option<u32>,
    pub ttl_ms: u64,
    pub dead_ttl_ms: u64,
    pub renew_after_ms: u64,
    pub max_wait_ms: u64,
    pub waiting_bytes_max: u64,
    pub commit_after_ms: u64,
    pub commit_outcomes: usize,
    pub commit_bytes: usize,
    pub calls_max: usize,
    pub connection_calls_max: usize,
    pub memory_bytes: usize,
    pub on_way_max: usize,
    pub window_max: usize,
    pub revoke_patience_ms: u64,
}

/// Delays in ms, chances in permille.
#[derive(Clone, Debug)]
pub struct LogOptions {
    /// First offset of every partition: near a segment's end, so that segments are crossed.
    pub base: u64,
    pub fetch_ms: u64,
    pub fetch_max: u64,
    pub step_ms: u64,
    pub marker_ms: u64,
    pub transaction_ms: u64,
    pub abort: u32,
    pub unknown: u32,
    pub rebalances: u64,
    pub fences: u64,
    /// The largest message that delay topics take, bytes.
    pub delay_max: usize,
    /// The largest that we may forward; other producers compress better.
    pub jobs_max: usize,
}

#[derive(Clone, Debug)]
pub struct CrmOptions {
    pub latency_ms: u64,
    pub slow: u32,
    pub input_transient: u32,
    pub input_permanent: u32,
    pub refused: u32,
    pub failed_before: u32,
    pub failed_after: u32,
    pub failed_between: u32,
    pub retry_after: u32,
    /// Outages of one tenant.
    pub outages: u64,
    /// Times at which an account refuses our credentials for a while.
    pub revocations: u64,
    /// Times at which a quota is used up for a while.
    pub quotas: u64,
    /// Calls that name a record which is gone by then.
    pub gone: u32,
}

/// Limits of every account. Drawn apart, so that seeds without them are what they were.
#[derive(Clone, Debug)]
pub struct LimitOptions {
    /// Units and length in ms of each window; none: unlimited.
    pub windows: Vec<(u32, u64)>,
    /// Chance that others use the account just before a call lands.
    pub others: u32,
    /// Answers carry what is left.
    pub told: bool,
    /// A refusal says how long to wait.
    pub retry_after: u32,
    /// How far the clock of a process may be off, either way, ms.
    pub clock_ms: u64,
}

#[derive(Clone, Debug)]
pub struct ProcessOptions {
    pub kills: u64,
    /// Of those, at a named point rather than at any moment.
    pub aimed: u32,
    /// Of those, the machine loses power: what was not flushed may vanish.
    pub power: u32,
    pub freezes: u64,
    pub drains: u64,
    /// Turns start this late at most, ms.
    pub turn_ms: u64,
    /// Events in one turn at most.
    pub events_max: u64,
    /// A stopped process comes back within this, ms.
    pub restart_ms: u64,
    pub disk_gone: u32,
    pub disk_stale: u32,
    pub disk_other: u32,
}

#[derive(Clone, Debug)]
pub struct InputOptions {
    pub malformed: u32,
    pub tombstone: u32,
    pub unknown_tenant: u32,
    pub no_route: u32,
    pub duplicate_key: u32,
    pub wrong_shard: u32,
    pub named_connection: u32,
    pub archive: u32,
    pub poison: u32,
    pub aborted: u32,
    pub burst: u64,
}

#[derive(Clone, Debug)]
pub struct OperatorOptions {
    /// What goes while everything is stopped: never drawn, a run that meets it must stop.
    pub loses: Option<Loss>,
    /// Times at which everything is stopped and group offsets are moved.
    pub rewinds: u64,
    pub forwards: u32,
    /// Pauses, each of which is resumed or has an end.
    pub pauses: u64,
    /// Connections that vanish from the configuration for a while.
    pub vanishings: u64,
}

/// What must stop a shard, as going on would lose or repeat work without a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// All of `.state`.
    State,
    /// What lies in a delay topic.
    Waiting,
    /// The topic of the jobs is made anew.
    Jobs,
    /// A delay topic is made anew.
    Delay,
}

impl Options {
    pub fn draw(seed: u64) -> Self {
        let mut dice = Dice::new(seed).fork("options");
        let it = &mut dice;
        let machine = MachineOptions::draw(it, &mut Dice::new(seed).fork("patience"));
        let limits = LimitOptions::draw(&mut Dice::new(seed).fork("limits"));
        let faulty_ms = it.between(20, 200) * 1000;
        let jobs = index(it.between(5, 40) + it.spread(0, 100));
        let log = LogOptions::draw(it, &mut Dice::new(seed).fork("sizes"));
        // where each commit holds one outcome and takes seconds, patience is what it takes
        let slow_ms = if machine.commit_outcomes < 20 { jobs as u64 * 8 * log.marker_ms } else { 0 };
        let mut drawn = Self {
            seed,
            instances: index(it.between(1, 3)),
            shards: u32::try_from(it.between(1, 4)).unwrap(),
            tenants: index(it.between(1, 8)),
            connections_max: it.pick(&[1, 1, 2, 3]),
            records: it.spread(1, 40),
            jobs,
            faulty_ms,
            // a probe may be up to five minutes away when faults end
            drain_ms: 1_200_000 + slow_ms + limits.drain_ms(jobs as u64, log.marker_ms),
            log,
            crm: CrmOptions::draw(it),
            limits,
            process: ProcessOptions::draw(it, faulty_ms),
            input: InputOptions::draw(it),
            operator: OperatorOptions::draw(it),
            machine,
        };
        // A pause must be able to last for longer than anything may wait.
        if 0 < drawn.operator.pauses && drawn.machine.max_wait_ms < 1_000_000 {
            drawn.machine.max_wait_ms = 15_000;
        }
        if Dice::new(seed).fork("rush").chance(60) {
            drawn.rushes();
        }
        if 0 < drawn.limits.clock_ms {
            drawn.tells_no_time();
        }
        drawn
    }

    /// One account with more to do than its limit allows, slow commits, and processes that die in the midst of it.
    fn rushes(&mut self) {
        (self.tenants, self.connections_max, self.records) = (1, 1, 40);
        self.jobs = self.jobs.max(60);
        self.input.burst = 30;
        (self.input.poison, self.input.duplicate_key) = (0, 0);
        (self.machine.batch_max, self.machine.calls_max, self.machine.connection_calls_max) = (1, 1024, 8);
        (self.machine.commit_outcomes, self.machine.commit_bytes, self.machine.hold_after) = (5000, 8 << 20, None);
        self.log.marker_ms = 800;
        (self.crm.latency_ms, self.crm.slow) = (300, 0);
        self.limits.windows = vec![(16, 10_000)];
        (self.limits.others, self.limits.told) = (0, false);
        (self.process.kills, self.process.aimed, self.process.restart_ms) = (self.faulty_ms / 12_000, 700, 500);
        self.drain_ms = 1_200_000 + self.limits.drain_ms(self.jobs as u64, self.log.marker_ms);
    }

    /// With clocks that differ it cannot be said to the second how old a thing is, or when a hold or a pause ends.
    fn tells_no_time(&mut self) {
        self.machine.ttl_ms = 604_800_000;
        self.machine.renew_after_ms = 86_400_000;
        self.machine.max_wait_ms = 1_209_600_000;
        self.machine.hold_after = None;
        (self.crm.revocations, self.crm.quotas, self.operator.pauses) = (0, 0, 0);
    }
}

impl MachineOptions {
    fn draw(it: &mut Dice, others: &mut Dice) -> Self {
        Self {
            batch_max: it.pick(&[1, 2, 3, 10, 100, 100]),
            retry_base_ms: it.pick(&[200, 500, 1000, 5000, 5000]),
            retries: it.pick(&[0, 1, 2, 5, 5, 5]).try_into().unwrap(),
            hold_after: it.pick(&[None, Some(10), Some(10), Some(3), Some(1)]),
            ttl_ms: it.pick(&[604_800_000, 604_800_000, 604_800_000, 60_000, 120_000]),
            dead_ttl_ms: others.pick(&[2_592_000_000, 2_592_000_000, 30_000]),
            renew_after_ms: others.pick(&[86_400_000, 86_400_000, 20_000, 3_000]),
            max_wait_ms: others.pick(&[1_209_600_000, 1_209_600_000, 60_000]),
            waiting_bytes_max: others.pick(&[10 << 30, 10 << 30, 3_000]),
            commit_after_ms: it.pick(&[10, 50, 50, 50, 300]),
            commit_outcomes: it.pick(&[1, 3, 20, 5000]),
            commit_bytes: it.pick(&[2_000, 20_000, 8 << 20]),
            calls_max: it.pick(&[1, 3, 1024]),
            connection_calls_max: it.pick(&[1, 2, 8, 8]),
            memory_bytes: it.pick(&[3_000, 8_000, 40_000, 64 << 20, 64 << 20]),
            on_way_max: it.pick(&[2, 10, 100_000, 100_000]),
            window_max: it.pick(&[1, 2, 5, 256, 256]),
            revoke_patience_ms: it.pick(&[9_000, 9_000, 60_000]),
        }
    }
}

impl LogOptions {
    fn draw(it: &mut Dice, sizes: &mut Dice) -> Self {
        Self {
            base: it.pick(&[0, 0, 4096 - 7, 8192 - 30]),
            fetch_ms: it.spread(1, 300),
            fetch_max: it.pick(&[1, 3, 20, 500]),
            step_ms: it.spread(1, 60),
            marker_ms: if it.chance(100) { 6_000 } else { it.spread(1, 800) },
            transaction_ms: it.pick(&[8_000, 15_000, 60_000]),
            abort: it.pick(&[0, 0, 20, 150]),
            unknown: it.pick(&[0, 0, 15, 100]),
            rebalances: it.pick(&[0, 0, 2, 8]),
            fences: it.pick(&[0, 0, 1, 3]),
            delay_max: sizes.pick(&[usize::MAX, usize::MAX, usize::MAX, 1_100, 900]),
            jobs_max: sizes.pick(&[usize::MAX, usize::MAX, usize::MAX, 500]),
        }
    }
}

impl CrmOptions {
    fn draw(it: &mut Dice) -> Self {
        Self {
            latency_ms: it.pick(&[3, 50, 300, 2000, 9_500]),
            slow: it.pick(&[0, 0, 10, 100]),
            input_transient: it.pick(&[0, 0, 20, 200, 500]),
            input_permanent: it.pick(&[0, 0, 10, 80]),
            refused: it.pick(&[0, 0, 10, 100]),
            failed_before: it.pick(&[0, 0, 20, 200]),
            failed_after: it.pick(&[0, 0, 20, 200]),
            failed_between: it.pick(&[0, 0, 20, 100]),
            retry_after: it.pick(&[0, 0, 300]),
            outages: it.pick(&[0, 0, 1, 3]),
            revocations: it.pick(&[0, 0, 1, 2]),
            quotas: it.pick(&[0, 0, 0, 1, 2]),
            gone: 20,
        }
    }
}

impl LimitOptions {
    fn draw(it: &mut Dice) -> Self {
        let short = it.pick(&[(1, 1_000), (2, 1_000), (5, 1_000), (3, 3_000), (10, 10_000), (40, 10_000), (20, 5_000)]);
        let long = it.pick(&[(60, 60_000), (40, 20_000), (400, 120_000)]);
        let windows = match it.below(10) {
            0..=3 => Vec::new(),
            4..=7 => vec![short],
            8 => vec![long],
            _ => vec![short, long],
        };
        Self {
            windows,
            others: it.pick(&[0, 0, 50, 300]),
            told: it.chance(700),
            retry_after: it.pick(&[0, 500]),
            clock_ms: it.pick(&[0, 0, 0, 0, 0, 20_000]),
        }
    }

    /// How long a backlog takes, each call waiting for its token and for the commit that shows it.
    fn drain_ms(&self, jobs: u64, marker_ms: u64) -> u64 {
        let slowest = self.windows.iter().map(|(cap, per)| per / u64::from(*cap)).max();
        slowest.map_or(0, |token_ms| jobs * 8 * (token_ms + marker_ms))
    }
}

impl ProcessOptions {
    fn draw(it: &mut Dice, faulty_ms: u64) -> Self {
        let kills = it.pick(&[0, 0, 1, 3, 8]);
        Self {
            kills: if kills == 8 { faulty_ms / 12_000 } else { kills },
            aimed: it.pick(&[0, 700, 1000]),
            power: it.pick(&[0, 0, 300, 1000]),
            freezes: it.pick(&[0, 0, 0, 1, 3]),
            drains: it.pick(&[0, 0, 0, 1, 2]),
            turn_ms: it.pick(&[0, 1, 5, 40]),
            events_max: it.pick(&[1, 2, 10, 1000, 1000]),
            restart_ms: it.pick(&[500, 3_000, 3_000, 20_000, 50_000]),
            disk_gone: it.pick(&[0, 0, 100, 400]),
            disk_stale: it.pick(&[0, 0, 100, 400]),
            disk_other: it.pick(&[0, 0, 100]),
        }
    }
}

impl InputOptions {
    fn draw(it: &mut Dice) -> Self {
        Self {
            malformed: it.pick(&[0, 0, 30, 200]),
            tombstone: it.pick(&[0, 0, 30]),
            unknown_tenant: it.pick(&[0, 0, 30]),
            no_route: it.pick(&[0, 0, 30]),
            duplicate_key: it.pick(&[0, 30, 300]),
            wrong_shard: it.pick(&[0, 0, 50, 400]),
            named_connection: it.pick(&[0, 100, 500]),
            archive: it.pick(&[0, 0, 100]),
            poison: it.pick(&[0, 0, 20, 150]),
            aborted: it.pick(&[0, 0, 50, 200]),
            burst: it.pick(&[1, 3, 30]),
        }
    }
}

impl OperatorOptions {
    fn draw(it: &mut Dice) -> Self {
        Self {
            rewinds: it.pick(&[0, 0, 0, 1, 2]),
            forwards: it.pick(&[0, 0, 0, 250]),
            loses: None,
            pauses: it.pick(&[0, 0, 1, 3, 6]),
            vanishings: it.pick(&[0, 0, 0, 1, 2]),
        }
    }
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap()
}
