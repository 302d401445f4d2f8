//! Probes, restarts and crash back-off of one container over virtual time: the probe workers with their ticks and manual
//! triggers, the pod's sync, and the back-off of the runtime.
//! upstream: pkg/kubelet/prober, pkg/kubelet/kuberuntime (SyncPod, doBackOff), client-go/util/flowcontrol

use super::grace;
use super::grace::KillReason;

/// Nanoseconds of virtual time.
pub type Nanos = i64;

/// One second.
pub const SECOND: Nanos = 1_000_000_000;
const BACK_OFF: Nanos = 10 * SECOND;
const MAX_BACK_OFF: Nanos = 300 * SECOND;

/// Which probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProbeKind {
    /// Restarts a container that hangs.
    Liveness,
    /// Says whether a container may serve.
    Readiness,
    /// Holds back the others until a container is up.
    Startup,
}

impl ProbeKind {
    /// As the field before `Probe` is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Liveness => "liveness",
            Self::Readiness => "readiness",
            Self::Startup => "startup",
        }
    }

    /// The field of a container that sets it.
    pub fn field(self) -> &'static str {
        match self {
            Self::Liveness => "livenessProbe",
            Self::Readiness => "readinessProbe",
            Self::Startup => "startupProbe",
        }
    }
}

/// How a probe went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It succeeded.
    Success,
    /// It failed.
    Failure,
    /// It took too long, which is a failure.
    Timeout,
}

/// A probe's settings and what its target answers.
#[derive(Clone, Debug)]
pub struct Probe {
    /// Which.
    pub kind: ProbeKind,
    /// `initialDelaySeconds`
    pub initial_delay: i64,
    /// `periodSeconds`
    pub period: i64,
    /// `timeoutSeconds`
    pub timeout: i64,
    /// `successThreshold`
    pub success_threshold: u32,
    /// `failureThreshold`
    pub failure_threshold: u32,
    /// `terminationGracePeriodSeconds`
    pub grace: Option<i64>,
    /// Half-open intervals in which it succeeds.
    pub ok: Vec<(Nanos, Nanos)>,
    /// Whether `ok` counts from the start of the container and not of the pod.
    pub container_clock: bool,
    /// How long the probe runs.
    pub takes: Nanos,
}

/// When a container is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestartPolicy {
    /// Whatever happened.
    Always,
    /// When it failed.
    OnFailure,
    /// Not.
    Never,
}

/// The life of one container.
#[derive(Clone, Debug)]
pub struct Life {
    /// The pod's policy.
    pub restart_policy: RestartPolicy,
    /// The pod's grace period in seconds.
    pub grace: i64,
    /// When the container first starts; the probe workers start at 0.
    pub start: Nanos,
    /// When an instance ends by itself, after its start, and with which code.
    pub exit: Option<(Nanos, i64)>,
    /// From TERM to the end of an instance.
    pub stop_takes: Nanos,
    /// The probes.
    pub probes: Vec<Probe>,
    /// When to stop looking.
    pub horizon: Nanos,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// An instance started; they count from 1.
    Start(u32),
    /// Whether the container has started changed.
    Started(bool),
    /// Whether the container is ready changed.
    Ready(bool),
    /// A probe made the kubelet stop it, with this grace period.
    Kill(ProbeKind, i64),
    /// An instance ended with a code.
    Exit(i64),
    /// The next start waits for so long.
    BackOff(Nanos),
}

/// The events of a container's life.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// Changes in order.
    pub events: Vec<(Nanos, Event)>,
    /// Probes at the instant they ended.
    pub probes: Vec<(Nanos, ProbeKind, Outcome)>,
}

#[derive(Clone, Debug)]
struct Worker {
    probe: Probe,
    seen: u32,
    on_hold: bool,
    last: Option<bool>,
    run: u32,
    tick: Nanos,
    triggered: bool,
    /// The end of the probe that runs.
    running: Option<(Nanos, Outcome)>,
    /// The result the manager holds for the instance seen.
    result: Option<bool>,
    stopped: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    Running,
    Exited(i64),
}

/// What the pod's sync is busy with.
#[derive(Clone, Copy, Debug)]
struct Kill {
    until: Nanos,
    code: i64,
}

impl Worker {
    /// Whether time brings it something: the end of its probe or a tick.
    fn due(&self, now: Nanos) -> bool {
        !self.stopped && self.running.map_or(self.tick, |r| r.0) <= now
    }
}

struct Sim<'a> {
    life: &'a Life,
    workers: Vec<Worker>,
    now: Nanos,
    state: State,
    instance: u32,
    started_at: Nanos,
    finished: Option<Nanos>,
    /// The status that workers see: the instance, whether it runs, and whether it has started.
    seen: (u32, bool, bool),
    terminal: bool,
    back_off: Option<(Nanos, Nanos)>,
    retry: Option<Nanos>,
    kill: Option<Kill>,
    sync: bool,
    /// Whether a probe runs whose result comes too late.
    late: bool,
    started: bool,
    ready: bool,
    trace: Trace,
}

/// Lives a container's life.
pub fn run(life: &Life) -> Trace {
    let worker = |probe: &Probe| Worker {
        probe: probe.clone(),
        seen: 0,
        on_hold: false,
        last: None,
        run: 0,
        tick: probe.period.max(1) * SECOND,
        triggered: false,
        running: None,
        result: None,
        stopped: false,
    };
    let mut sim = Sim {
        life,
        workers: life.probes.iter().map(worker).collect(),
        now: 0,
        state: State::Waiting,
        instance: 0,
        started_at: 0,
        finished: None,
        seen: (0, false, false),
        terminal: false,
        back_off: None,
        retry: Some(life.start),
        kill: None,
        sync: false,
        late: false,
        started: false,
        ready: false,
        trace: Trace::default(),
    };
    while let Some(at) = sim.next().filter(|t| *t <= life.horizon) {
        sim.now = at;
        sim.step();
    }
    // Probes that run at the end are seen to theirs.
    for worker in &sim.workers {
        if let Some((end, outcome)) = worker.running {
            sim.trace.probes.push((end, worker.probe.kind, outcome));
        }
    }
    sim.trace
}

impl Sim<'_> {
    fn next(&self) -> Option<Nanos> {
        let exit = match (self.state, self.life.exit, self.kill) {
            (State::Running, Some((after, _)), None) => Some(self.started_at + after),
            _ => None,
        };
        let workers = self.workers.iter().filter(|w| !w.stopped).map(|w| match w.running {
            Some((end, _)) => end,
            None if w.triggered => self.now,
            None => w.tick,
        });
        let retry = self.retry.filter(|_| self.kill.is_none());
        let busy = self.sync.then_some(self.now).filter(|_| self.kill.is_none());
        workers.chain(exit).chain(retry).chain(busy).chain(self.kill.map(|k| k.until)).min().map(|t| t.max(self.now))
    }

    fn emit(&mut self, event: Event) {
        self.trace.events.push((self.now, event));
    }

    /// One thing that is due now: what news ask for, then what time brings to the workers and then to the container.
    fn step(&mut self) {
        if self.sync && self.kill.is_none() {
            self.sync = false;
            self.sync_pod();
        } else if let Some(i) = (0..self.workers.len()).find(|i| self.workers[*i].due(self.now)) {
            let worker = &mut self.workers[i];
            if let Some((_, outcome)) = worker.running.take() {
                self.finish_probe(i, outcome);
                return;
            }
            let period = worker.probe.period.max(1) * SECOND;
            worker.tick += period;
            // The ticker keeps one tick for a reader that is late.
            if worker.tick < self.now {
                worker.tick += (self.now - worker.tick) / period * period;
            }
            self.do_probe(i);
        } else if let Some(kill) = self.kill.filter(|k| k.until <= self.now) {
            self.kill = None;
            self.end(kill);
        } else if let Some(at) = self.retry.filter(|t| *t <= self.now && self.kill.is_none()) {
            self.retry = None;
            if at == self.life.start && self.instance == 0 { self.start() } else { self.sync_pod() }
        } else if let (State::Running, Some((after, code)), None) = (self.state, self.life.exit, self.kill)
            && self.started_at + after <= self.now
        {
            self.state = State::Exited(code);
            self.finished = Some(self.now);
            self.emit(Event::Exit(code));
            self.sync = true;
        } else if let Some(i) =
            (0..self.workers.len()).find(|i| self.workers[*i].triggered && self.workers[*i].running.is_none() && !self.workers[*i].stopped)
        {
            let worker = &mut self.workers[i];
            worker.triggered = false;
            worker.tick = self.now + worker.probe.period.max(1) * SECOND;
            self.do_probe(i);
        }
    }

    fn start(&mut self) {
        self.instance += 1;
        self.state = State::Running;
        self.started_at = self.now;
        self.emit(Event::Start(self.instance));
        self.sync = true;
    }

    fn set_result(&mut self, i: usize, success: bool) {
        let worker = &mut self.workers[i];
        if worker.result != Some(success) && !self.late {
            worker.result = Some(success);
            // Only a failed liveness probe is news.
            let kind = worker.probe.kind;
            if kind != ProbeKind::Liveness || !success {
                self.sync = true;
            }
            // upstream: SetContainerReadiness, which does not wait for the sync
            if kind == ProbeKind::Readiness && self.ready != success && self.seen.2 {
                self.ready = success;
                self.emit(Event::Ready(success));
            }
        }
    }

    /// upstream: worker.doProbe
    fn do_probe(&mut self, i: usize) {
        let (instance, running, started) = self.seen;
        if self.terminal {
            self.workers[i].stopped = true;
            return;
        }
        if instance == 0 {
            return;
        }
        let kind = self.workers[i].probe.kind;
        if self.workers[i].seen != instance {
            self.workers[i].seen = instance;
            self.workers[i].result = None;
            self.workers[i].on_hold = false;
            match kind {
                ProbeKind::Readiness => self.set_result(i, false),
                ProbeKind::Liveness => self.set_result(i, true),
                // "Unknown", which is neither.
                ProbeKind::Startup => self.sync = true,
            }
        }
        if self.workers[i].on_hold {
            return;
        }
        if !running {
            self.set_result(i, false);
            return;
        }
        let probe = &self.workers[i].probe;
        // Statuses keep times in whole seconds.
        let started_at = self.started_at / SECOND * SECOND;
        if (self.now - started_at) / SECOND < probe.initial_delay || started == (kind == ProbeKind::Startup) {
            return;
        }
        let timeout = probe.timeout.max(1) * SECOND;
        let end = self.now + probe.takes.min(timeout);
        let outcome = if probe.takes > timeout {
            Outcome::Timeout
        } else {
            let clock = if probe.container_clock { end - self.started_at } else { end };
            let ok = probe.ok.iter().any(|(from, to)| (*from..*to).contains(&clock));
            if ok { Outcome::Success } else { Outcome::Failure }
        };
        if end > self.now {
            self.workers[i].running = Some((end, outcome));
        } else {
            self.finish_probe(i, outcome);
        }
    }

    fn finish_probe(&mut self, i: usize, outcome: Outcome) {
        let worker = &mut self.workers[i];
        let kind = worker.probe.kind;
        self.trace.probes.push((self.now, kind, outcome));
        let success = outcome == Outcome::Success;
        worker.run = if worker.last == Some(success) { worker.run + 1 } else { 1 };
        worker.last = Some(success);
        let threshold = if success { worker.probe.success_threshold } else { worker.probe.failure_threshold };
        if worker.run < threshold {
            return;
        }
        if kind == ProbeKind::Startup || (kind == ProbeKind::Liveness && !success) {
            worker.on_hold = true;
            worker.run = 0;
        }
        self.set_result(i, success);
    }

    fn has(&self, kind: ProbeKind) -> bool {
        self.workers.iter().any(|w| w.probe.kind == kind)
    }

    /// Whether the manager holds this result of a probe for the present instance.
    fn holds(&self, kind: ProbeKind, success: bool) -> bool {
        self.workers.iter().any(|w| w.probe.kind == kind && w.seen == self.instance && w.result == Some(success))
    }

    /// upstream: manager.UpdatePodStatus
    fn update_status(&mut self) {
        let running = self.state == State::Running;
        let started = running && (!self.has(ProbeKind::Startup) || self.holds(ProbeKind::Startup, true));
        let ready = started && (!self.has(ProbeKind::Readiness) || self.holds(ProbeKind::Readiness, true));
        let trigger = started && !ready;
        if started != self.started {
            self.started = started;
            self.emit(Event::Started(started));
        }
        if ready != self.ready {
            self.ready = ready;
            self.emit(Event::Ready(ready));
        }
        self.seen = (self.instance, running, started);
        if trigger && let Some(worker) = self.workers.iter_mut().find(|w| w.probe.kind == ProbeKind::Readiness) {
            worker.triggered = true;
        }
    }

    /// upstream: kubeGenericRuntimeManager.SyncPod
    fn sync_pod(&mut self) {
        self.update_status();
        match self.state {
            State::Waiting => {}
            State::Exited(code) => {
                let again = match self.life.restart_policy {
                    RestartPolicy::Always => true,
                    RestartPolicy::OnFailure => code != 0,
                    RestartPolicy::Never => false,
                };
                self.terminal = !again;
                if again {
                    let finished = self.finished.unwrap_or(self.now);
                    self.start_unless_backing_off(finished);
                }
            }
            State::Running => {
                let kind = [ProbeKind::Liveness, ProbeKind::Startup].into_iter().find(|k| self.holds(*k, false));
                if let Some(kind) = kind {
                    self.kill(kind);
                }
            }
        }
    }

    fn kill(&mut self, kind: ProbeKind) {
        let probe = self.workers.iter().find(|w| w.probe.kind == kind).and_then(|w| w.probe.grace);
        let reason = if kind == ProbeKind::Liveness { KillReason::LivenessProbe } else { KillReason::StartupProbe };
        let seconds = grace::container(None, Some(self.life.grace), probe, reason);
        self.emit(Event::Kill(kind, seconds));
        let allowed = grace::stop_timeout(seconds) * SECOND;
        let code = if self.life.stop_takes > allowed { 137 } else { 143 };
        if self.life.stop_takes == 0 {
            // The sync does not pause: a readiness probe that it asked for still sees the instance that is going, and
            // what it finds comes too late to count.
            for i in 0..self.workers.len() {
                let worker = &mut self.workers[i];
                if worker.triggered && worker.running.is_none() && !worker.stopped {
                    worker.triggered = false;
                    worker.tick = self.now + worker.probe.period.max(1) * SECOND;
                    self.late = true;
                    self.do_probe(i);
                    self.late = false;
                }
            }
        }
        self.kill = Some(Kill { until: self.now + self.life.stop_takes.min(allowed), code });
    }

    /// The killed instance is gone; the same sync starts the next.
    fn end(&mut self, kill: Kill) {
        let previous = self.finished;
        self.state = State::Exited(kill.code);
        self.finished = Some(self.now);
        self.emit(Event::Exit(kill.code));
        if self.life.restart_policy == RestartPolicy::Never {
            self.sync = true;
            return;
        }
        // The status the sync works on was taken before the kill: it knows the instance before.
        match previous {
            None => self.start(),
            Some(before) if !self.in_back_off(before) => self.start_unless_backing_off(before),
            Some(_) => self.sync = true,
        }
    }

    fn in_back_off(&self, since: Nanos) -> bool {
        self.back_off.is_some_and(|(backoff, updated)| since - updated <= 2 * MAX_BACK_OFF && self.now - since < backoff)
    }

    /// upstream: doBackOff
    fn start_unless_backing_off(&mut self, since: Nanos) {
        if self.in_back_off(since) {
            let backoff = self.back_off.map_or(0, |b| b.0);
            let until = since + backoff;
            if self.retry != Some(until) {
                self.retry = Some(until);
                self.emit(Event::BackOff(backoff));
            }
            return;
        }
        let backoff = match self.back_off {
            Some((backoff, updated)) if since - updated <= 2 * MAX_BACK_OFF => (2 * backoff).min(MAX_BACK_OFF),
            _ => BACK_OFF,
        };
        self.back_off = Some((backoff, self.now));
        self.retry = None;
        self.start();
    }
}
