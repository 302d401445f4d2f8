//! Which cores two threads work on.

#[cfg(target_os = "linux")]
pub(super) use linux::Pair;
#[cfg(not(target_os = "linux"))]
pub(super) use other::Pair;

#[cfg(target_os = "linux")]
mod linux {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    /// Two cores. A system may leave both threads of a process on one core for some milliseconds, longer than most charts take, so
    /// they part by themselves. Where there are more cores, or others say how many threads there are to be, it is left to the
    /// system.
    pub(in super::super) struct Pair {
        both: CpuSet,
        own: usize,
    }

    impl Pair {
        /// The cores of this process, where there are two. From here on threads that are made work on one of them, this one as
        /// well.
        pub(in super::super) fn of_cores() -> Option<Self> {
            let told = ["RAYON_NUM_THREADS", "RAYON_RS_NUM_CPUS"].iter().any(|name| std::env::var_os(name).is_some());
            let both = sched_getaffinity(None).ok().filter(|cores| !told && cores.count() == 2)?;
            let mut cores = (0..CpuSet::MAX_CPU).filter(|core| both.is_set(*core));
            let (others, own) = (cores.next()?, cores.next()?);
            keep_to(others);
            Some(Self { both, own })
        }

        /// Takes this thread to the other core, and keeps it there or not. What it leaves can start at once.
        pub(in super::super) fn part(self, keep: bool) {
            keep_to(self.own);
            if !keep {
                let _ = sched_setaffinity(None, &self.both);
            }
        }
    }

    /// Takes this thread to a core, and keeps it there. What the system refuses only takes longer.
    fn keep_to(core: usize) {
        let mut one = CpuSet::new();
        one.set(core);
        let _ = sched_setaffinity(None, &one);
    }
}

#[cfg(not(target_os = "linux"))]
mod other {
    /// It is left to the system.
    pub(in super::super) enum Pair {}

    impl Pair {
        pub(in super::super) const fn of_cores() -> Option<Self> {
            None
        }

        pub(in super::super) const fn part(self, _keep: bool) {
            match self {}
        }
    }
}
