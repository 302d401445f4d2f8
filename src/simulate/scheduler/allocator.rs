//! Which devices a pod's claims would get on a node: the first solution of a search through all devices in order.
//! upstream: k8s.io/dynamic-resource-allocation/structured/internal/incubating/allocator_incubating.go

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use super::api::{Node, Toleration};
use super::devices::{Device, DeviceId, Pool, Slice, amount, amounts, pools};
use super::json::{at, int, list, name, namespace, text, words};
use super::selector::tolerates;
use super::snapshot::Listers;
use crate::kube::expressions;
use crate::kube::expressions::DeviceProgram;
use crate::kube::quantity::Quantity;

/// The most devices of one claim. upstream: resourceapi.AllocationResultsMaxSize
const MAX_RESULTS: usize = 32;
/// A search that takes more steps is given up, as the scheduler gives up after some seconds.
const MAX_STEPS: usize = 200_000;

/// What is in use already.
#[derive(Clone, Debug, Default)]
pub struct InUse {
    devices: BTreeSet<DeviceId>,
    /// What shared devices have given away.
    capacity: BTreeMap<DeviceId, BTreeMap<String, Quantity>>,
}

impl InUse {
    /// What the claims of the cluster hold.
    pub fn new(listers: &Listers) -> Self {
        let mut out = Self::default();
        for result in listers.device_claims.values().flat_map(|c| list(c, &["status", "allocation", "devices", "results"])) {
            if at(result, &["adminAccess"]).as_bool() == Some(true) {
                continue;
            }
            let word = |key: &str| text(result, &[key]).to_owned();
            let id = (word("driver"), word("pool"), word("device"));
            if at(result, &["shareID"]).is_null() {
                out.devices.insert(id);
            } else {
                add(out.capacity.entry(id).or_default(), &amounts(at(result, &["consumedCapacity"])));
            }
        }
        out
    }

    fn has(&self, id: &DeviceId) -> bool {
        self.devices.contains(id) || self.capacity.contains_key(id)
    }
}

fn add(sum: &mut BTreeMap<String, Quantity>, more: &BTreeMap<String, Quantity>) {
    for (name, amount) in more {
        let entry = sum.entry(name.clone()).or_default();
        entry.nanos = entry.nanos.saturating_add(amount.nanos);
    }
}

fn sub(sum: &mut BTreeMap<String, Quantity>, less: &BTreeMap<String, Quantity>) {
    for (name, amount) in less {
        let entry = sum.entry(name.clone()).or_default();
        entry.nanos = entry.nanos.saturating_sub(amount.nanos);
    }
}

/// Why the whole attempt ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Something is wrong with a claim or class; the pod is not placed anywhere.
    Wrong(String),
    /// This node cannot; why.
    Here(&'static str),
}

/// How a search under way ends.
enum End {
    /// Too many devices for one claim.
    Size,
    Wrong(String),
}

/// One request, or one of its alternatives.
struct Request<'a> {
    name: &'a str,
    /// The request whose alternative this is.
    parent: Option<&'a str>,
    spec: &'a Value,
    class: &'a Value,
    admin: bool,
    tolerations: Vec<Toleration>,
    capacity: BTreeMap<String, Quantity>,
    count: usize,
    /// The devices, when it wants all there are.
    all: Option<Vec<Place>>,
}

/// A device by pool, slice and index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    pool: usize,
    slice: usize,
    device: usize,
}

/// A rule about the devices of several requests.
struct Constraint {
    requests: Vec<String>,
    attribute: String,
    distinct: bool,
    /// How many devices were chosen.
    count: usize,
    /// What the chosen devices have, by request; of several for one request only the last, as upstream keeps it.
    chosen: BTreeMap<String, Value>,
}

impl Constraint {
    fn concerns(&self, request: &Request<'_>) -> bool {
        let base = request.parent.unwrap_or(request.name);
        let whole = || format!("{base}/{}", request.name);
        self.requests.is_empty()
            || self.requests.iter().any(|r| r == base)
            || (request.parent.is_some() && self.requests.contains(&whole()))
    }

    fn add(&mut self, request: &Request<'_>, device: &Device, driver: &str) -> bool {
        if !self.concerns(request) {
            return true;
        }
        let own = |key: &str| device.attributes.get(key);
        let short = || self.attribute.split_once('/').filter(|(domain, _)| *domain == driver).and_then(|(_, id)| own(id));
        let Some(value) = own(&self.attribute).or_else(short) else { return false };
        let alike = |other: &Value| other == value;
        let fits = self.count == 0 || if self.distinct { !self.chosen.values().any(alike) } else { self.chosen.values().all(alike) };
        if fits {
            let key = if self.distinct { request.parent.unwrap_or(request.name) } else { "" };
            self.chosen.insert(key.to_owned(), value.clone());
            self.count += 1;
        }
        fits
    }

    fn remove(&mut self, request: &Request<'_>) {
        if self.concerns(request) {
            self.count -= 1;
            if self.distinct {
                self.chosen.remove(request.parent.unwrap_or(request.name));
            }
        }
    }
}

/// One device given to a claim.
struct Given {
    place: Place,
    /// The request (with its alternative) it serves.
    request: String,
    admin: bool,
    /// What is taken of a shared device.
    capacity: Option<BTreeMap<String, Quantity>>,
}

struct Claim<'a> {
    object: &'a Value,
    /// By request its alternatives; a plain request is one.
    requests: Vec<Vec<Request<'a>>>,
    constraints: Vec<Constraint>,
    given: Vec<Given>,
}

struct Search<'a> {
    listers: &'a Listers,
    node: &'a Node,
    in_use: &'a InUse,
    pools: Vec<Pool>,
    claims: Vec<Claim<'a>>,
    /// Devices taken in this attempt, by the claims that take them.
    taken: BTreeMap<DeviceId, Vec<usize>>,
    sharing: BTreeMap<DeviceId, (usize, BTreeMap<String, Quantity>)>,
    /// Counters consumed in this attempt, by pool and set.
    consumed: BTreeMap<(usize, String), BTreeMap<String, Quantity>>,
    matches: RefCell<BTreeMap<(usize, usize, usize, Place), bool>>,
    programs: RefCell<BTreeMap<String, Arc<Result<DeviceProgram, String>>>>,
    steps: usize,
}

/// Where the search is.
#[derive(Clone, Copy)]
struct At {
    claim: usize,
    request: usize,
    alternative: usize,
    device: usize,
}

/// The devices that a node gives to claims, one allocation a claim; `None` when it has none left.
pub fn allocate(listers: &Listers, in_use: &InUse, node: &Node, claims: &[&Value]) -> Result<Option<Vec<Value>>, Stop> {
    let mut search = Search {
        listers,
        node,
        in_use,
        pools: pools(&listers.slices, node),
        claims: Vec::new(),
        taken: BTreeMap::new(),
        sharing: BTreeMap::new(),
        consumed: BTreeMap::new(),
        matches: RefCell::default(),
        programs: RefCell::default(),
        steps: 0,
    };
    for (i, object) in claims.iter().enumerate() {
        let claim = search.prepare(i, object).map_err(Stop::Wrong)?;
        let least: usize = claim.requests.iter().map(|all| all.iter().map(|r| r.count).min().unwrap_or(0)).sum();
        if least > MAX_RESULTS {
            let text = format!("claim {}: number of requested devices {least} exceeds the claim limit of {MAX_RESULTS}", full(object));
            return Err(Stop::Wrong(text));
        }
        search.claims.push(claim);
    }
    let start = At { claim: 0, request: 0, alternative: 0, device: 0 };
    match search.one(start, false, Place { pool: 0, slice: 0, device: 0 }) {
        Ok(true) => Ok(Some((0..search.claims.len()).map(|i| search.result(i)).collect())),
        Ok(false) | Err(End::Size) if search.pools.iter().any(|p| p.invalid) => Err(Stop::Here("invalid resource pools were encountered")),
        Ok(false) | Err(End::Size) => Ok(None),
        Err(End::Wrong(text)) => Err(Stop::Wrong(text)),
    }
}

fn full(claim: &Value) -> String {
    format!("{}/{}", namespace(claim), name(claim))
}

/// What a request takes of a device's capacity. upstream: calculateConsumedCapacity
fn share(request: &BTreeMap<String, Quantity>, name: &str, capacity: &Value) -> Quantity {
    let policy = at(capacity, &["requestPolicy"]);
    let whole = amount(at(capacity, &["value"]));
    let Some(wanted) = request.get(name).copied() else {
        return if at(policy, &["default"]).is_null() { whole } else { amount(at(policy, &["default"])) };
    };
    let range = at(policy, &["validRange"]);
    if !at(range, &["min"]).is_null() {
        let least = amount(at(range, &["min"]));
        let step = amount(at(range, &["step"])).value();
        if wanted < least {
            return least;
        }
        if step <= 0 {
            return wanted;
        }
        let steps = (wanted.value() - least.value() + step - 1).div_euclid(step);
        return Quantity { nanos: i128::from(least.value() + steps * step) * 1_000_000_000 };
    }
    let values = list(policy, &["validValues"]).iter().map(amount);
    values.into_iter().find(|v| wanted <= *v).unwrap_or(wanted)
}

/// upstream: violatesPolicy
fn refused(taken: Quantity, policy: &Value) -> bool {
    if !at(policy, &["default"]).is_null() && taken == amount(at(policy, &["default"])) {
        return false;
    }
    let range = at(policy, &["validRange"]);
    if range.is_object() {
        let step = amount(at(range, &["step"])).value();
        let most = at(range, &["max"]);
        return (!most.is_null() && taken > amount(most))
            || (step > 0 && (taken.value() - amount(at(range, &["min"])).value()) % step != 0);
    }
    let values = list(policy, &["validValues"]);
    !values.is_empty() && !values.iter().any(|v| amount(v) == taken)
}

impl<'a> Search<'a> {
    fn prepare(&self, index: usize, object: &'a Value) -> Result<Claim<'a>, String> {
        let devices = at(object, &["spec", "devices"]);
        let mut requests = Vec::new();
        for (r, request) in list(devices, &["requests"]).iter().enumerate() {
            let request_name = text(request, &["name"]);
            let alternatives = list(request, &["firstAvailable"]);
            let mut all = Vec::new();
            if alternatives.is_empty() {
                all.push(self.request(object, (index, r, 0), request_name, None, at(request, &["exactly"]))?);
            }
            for (a, alternative) in alternatives.iter().enumerate() {
                let own = text(alternative, &["name"]);
                all.push(self.request(object, (index, r, a), own, Some(request_name), alternative)?);
            }
            requests.push(all);
        }
        let mut constraints = Vec::new();
        for (i, constraint) in list(devices, &["constraints"]).iter().enumerate() {
            let (same, distinct) = (text(constraint, &["matchAttribute"]), text(constraint, &["distinctAttribute"]));
            if same.is_empty() && distinct.is_empty() {
                return Err(format!("claim {}, constraint #{i}: empty constraint (unsupported constraint type?)", full(object)));
            }
            constraints.push(Constraint {
                requests: words(constraint, &["requests"]),
                attribute: if same.is_empty() { distinct } else { same }.to_owned(),
                distinct: same.is_empty(),
                count: 0,
                chosen: BTreeMap::new(),
            });
        }
        Ok(Claim { object, requests, constraints, given: Vec::new() })
    }

    /// upstream: validateDeviceRequest
    fn request(
        &self,
        claim: &Value,
        key: (usize, usize, usize),
        name: &'a str,
        parent: Option<&'a str>,
        spec: &'a Value,
    ) -> Result<Request<'a>, String> {
        let told = |what: String| format!("claim {}, request {name}{what}", full(claim));
        let class_name = text(spec, &["deviceClassName"]);
        if class_name.is_empty() {
            return Err(told(": missing device class name (unsupported request type?)".to_owned()));
        }
        let class = self.listers.device_classes.get(class_name).ok_or_else(|| {
            told(format!(": could not retrieve device class {class_name}: deviceclass.resource.k8s.io {class_name:?} not found"))
        })?;
        for (i, selector) in list(spec, &["selectors"]).iter().enumerate() {
            if !at(selector, &["cel"]).is_object() {
                return Err(told(format!(", selector #{i}: CEL expression empty (unsupported selector type?)")));
            }
        }
        let mut request = Request {
            name,
            parent,
            spec,
            class,
            admin: at(spec, &["adminAccess"]).as_bool() == Some(true),
            tolerations: list(spec, &["tolerations"]).iter().map(Toleration::new).collect(),
            capacity: amounts(at(spec, &["capacity", "requests"])),
            count: 0,
            all: None,
        };
        match text(spec, &["allocationMode"]) {
            "" | "ExactCount" => request.count = int(spec, &["count"]).filter(|n| *n != 0).unwrap_or(1).max(0) as usize,
            "All" => {
                let mut all = Vec::new();
                for (p, pool) in self.pools.iter().enumerate() {
                    let state = match (pool.incomplete, pool.invalid) {
                        (true, _) => "being updated",
                        (_, true) => "invalid",
                        _ => "",
                    };
                    if !state.is_empty() {
                        let pool = format!("{}/{}", pool.driver, pool.name);
                        return Err(told(format!(": asks for all devices, but resource pool {pool} is currently {state}")));
                    }
                    for (s, slice) in pool.slices.iter().enumerate() {
                        for d in 0..slice.devices.len() {
                            let place = Place { pool: p, slice: s, device: d };
                            if self.selectable(claim, key, &request, place)? && self.has_capacity(&request, place) {
                                all.push(place);
                            }
                        }
                    }
                }
                request.count = all.len();
                request.all = Some(all);
            }
            other => return Err(told(format!(": unsupported count mode {other}"))),
        }
        Ok(request)
    }

    fn slice(&self, place: Place) -> &Slice {
        &self.pools[place.pool].slices[place.slice]
    }

    fn device(&self, place: Place) -> &Device {
        &self.slice(place).devices[place.device]
    }

    fn id(&self, place: Place) -> DeviceId {
        let pool = &self.pools[place.pool];
        (pool.driver.clone(), pool.name.clone(), self.device(place).name.clone())
    }

    /// Whether selectors of class and request, and the device's own nodes, allow it. upstream: isSelectable
    fn selectable(&self, claim: &Value, key: (usize, usize, usize), request: &Request<'_>, place: Place) -> Result<bool, String> {
        let key = (key.0, key.1, key.2, place);
        if let Some(known) = self.matches.borrow().get(&key) {
            return Ok(*known);
        }
        let slice = self.slice(place);
        let class_told = || format!("class {}", name(request.class));
        let claim_told = || format!("claim {}", full(claim));
        let fits = self.selected(list(request.class, &["spec", "selectors"]), &class_told, place)?
            && self.selected(list(request.spec, &["selectors"]), &claim_told, place)?
            && (!slice.per_device || self.device(place).reach.matches(self.node));
        self.matches.borrow_mut().insert(key, fits);
        Ok(fits)
    }

    fn selected(&self, selectors: &[Value], told: &dyn Fn() -> String, place: Place) -> Result<bool, String> {
        for (i, selector) in selectors.iter().enumerate() {
            let expression = text(selector, &["cel", "expression"]);
            let compile = || Arc::new(expressions::device_program(expression));
            let program = Arc::clone(self.programs.borrow_mut().entry(expression.to_owned()).or_insert_with(compile));
            let program = program.as_ref().as_ref().map_err(|e| format!("{}: selector #{i}: CEL compile error: {e}", told()))?;
            let device = self.device(place);
            let driver = &self.slice(place).driver;
            let matches = program.matches(driver, device.shared, &device.attributes, &device.capacity);
            if !matches.map_err(|e| format!("{}: selector #{i}: CEL runtime error: {e}", told()))? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// upstream: CmpRequestOverCapacity; a request for a capacity that the device does not have never fits
    fn has_capacity(&self, request: &Request<'_>, place: Place) -> bool {
        let device = self.device(place);
        if request.capacity.keys().any(|name| !device.capacity.contains_key(name)) {
            return false;
        }
        let id = self.id(place);
        device.capacity.iter().all(|(name, capacity)| {
            let own = share(&request.capacity, name, capacity);
            let before = self.in_use.capacity.get(&id).and_then(|c| c.get(name)).map_or(0, |q| q.nanos);
            let now = self.sharing.get(&id).and_then(|(_, c)| c.get(name)).map_or(0, |q| q.nanos);
            !refused(own, at(capacity, &["requestPolicy"])) && own.nanos + before + now <= amount(at(capacity, &["value"])).nanos
        })
    }

    fn busy(&self, id: &DeviceId) -> bool {
        self.in_use.devices.contains(id) || self.taken.get(id).is_some_and(|claims| !claims.is_empty())
    }

    /// Takes the counters of a device if they are there. upstream: checkAvailableCounters
    fn take_counters(&mut self, place: Place) -> bool {
        let pool = &self.pools[place.pool];
        let consumes = self.device(place).consumes.clone();
        let mut left = pool.counters.clone();
        for slice in pool.slices.iter().chain(&pool.others) {
            for device in &slice.devices {
                if !self.in_use.has(&(slice.driver.clone(), slice.pool.clone(), device.name.clone())) {
                    continue;
                }
                for (set, amounts) in &device.consumes {
                    if let Some(left) = left.get_mut(set) {
                        sub(left, amounts);
                    }
                }
            }
        }
        for (set, amounts) in &consumes {
            add(self.consumed.entry((place.pool, set.clone())).or_default(), amounts);
        }
        let short = left.iter().any(|(set, counters)| {
            let used = self.consumed.get(&(place.pool, set.clone()));
            counters.iter().any(|(counter, left)| left.nanos < used.and_then(|u| u.get(counter)).map_or(0, |q| q.nanos))
        });
        if short {
            self.return_counters(place);
        }
        !short
    }

    fn return_counters(&mut self, place: Place) {
        let consumes = self.device(place).consumes.clone();
        for (set, amounts) in &consumes {
            sub(self.consumed.entry((place.pool, set.clone())).or_default(), amounts);
        }
    }

    /// Gives a device to a request if nothing speaks against it; says whether it did. upstream: allocateDevice
    fn give(&mut self, at: At, place: Place, must: bool) -> Result<bool, String> {
        let id = self.id(place);
        let device = self.device(place).clone();
        let driver = self.slice(place).driver.clone();
        let shared_before = self.in_use.capacity.contains_key(&id) || self.sharing.contains_key(&id);
        let request = &self.claims[at.claim].requests[at.request][at.alternative];
        let same_claim = self.taken.get(&id).is_some_and(|claims| claims.contains(&at.claim));
        if (!device.shared && request.admin && same_claim) || (!request.admin && self.busy(&id)) {
            return Ok(false);
        }
        let counts = !(device.consumes.is_empty() || (device.shared && shared_before));
        if counts && !self.take_counters(place) {
            return Ok(false);
        }
        let request = &self.claims[at.claim].requests[at.request][at.alternative];
        let bad = |t: &&super::api::Taint| {
            matches!(t.effect.as_str(), "NoSchedule" | "NoExecute") && !request.tolerations.iter().any(|x| tolerates(x, t))
        };
        let tainted = device.taints.iter().any(|t| bad(&t));
        let fits = !tainted && self.has_capacity(request, place);
        let given = Given {
            place,
            request: request.parent.map_or_else(|| request.name.to_owned(), |p| format!("{p}/{}", request.name)),
            admin: request.admin,
            capacity: device
                .shared
                .then(|| device.capacity.iter().map(|(name, c)| (name.clone(), share(&request.capacity, name, c))).collect()),
        };
        let claim = &mut self.claims[at.claim];
        let request = &claim.requests[at.request][at.alternative];
        let mut added = 0;
        let broken = !tainted
            && claim.constraints.iter_mut().any(|c| {
                let fits = c.add(request, &device, &driver);
                added += usize::from(fits);
                !fits
            });
        if !fits || broken {
            claim.constraints[..added].iter_mut().for_each(|c| c.remove(request));
            let told = format!("claim {}, request {}", full(claim.object), request.name);
            if counts {
                self.return_counters(place);
            }
            if broken && must {
                let id = format!("{}/{}/{}", id.0, id.1, id.2);
                return Err(format!("{told}: cannot add device {id} because a claim constraint would not be satisfied"));
            }
            return Ok(false);
        }
        match &given.capacity {
            Some(capacity) => {
                let (shares, sum) = self.sharing.entry(id).or_default();
                *shares += 1;
                add(sum, capacity);
            }
            None => self.taken.entry(id).or_default().push(at.claim),
        }
        self.claims[at.claim].given.push(given);
        Ok(true)
    }

    /// Takes back what was given last.
    fn take_back(&mut self, at: At, counted: bool) {
        let Some(given) = self.claims[at.claim].given.pop() else { return };
        let id = self.id(given.place);
        match &given.capacity {
            Some(capacity) => {
                if let Some((shares, sum)) = self.sharing.get_mut(&id) {
                    *shares -= 1;
                    sub(sum, capacity);
                    if *shares == 0 {
                        self.sharing.remove(&id);
                    }
                }
            }
            None => {
                if let Some(claims) = self.taken.get_mut(&id)
                    && let Some(i) = claims.iter().rposition(|c| *c == at.claim)
                {
                    claims.remove(i);
                }
            }
        }
        let claim = &mut self.claims[at.claim];
        let request = &claim.requests[at.request][at.alternative];
        claim.constraints.iter_mut().rev().for_each(|c| c.remove(request));
        if counted {
            self.return_counters(given.place);
        }
    }

    /// Gives a device and goes on with the next; takes it back when that fails.
    fn try_device(&mut self, at: At, place: Place, must: bool, inside: bool) -> Result<Option<bool>, End> {
        let id = self.id(place);
        let device = self.device(place);
        let shared_before = self.in_use.capacity.contains_key(&id) || self.sharing.contains_key(&id);
        let counted = !(device.consumes.is_empty() || (device.shared && shared_before));
        if !self.give(at, place, must).map_err(End::Wrong)? {
            return Ok(None);
        }
        let next = Place { device: place.device + 1, ..place };
        let from = if must { Place { pool: 0, slice: 0, device: 0 } } else { next };
        let done = self.one(At { device: at.device + 1, ..at }, inside, from);
        if !matches!(done, Ok(true)) {
            self.take_back(at, counted);
        }
        done.map(Some)
    }

    /// Finds a device for one place of one request, and for all that follow. upstream: allocateOne
    fn one(&mut self, at: At, inside: bool, from: Place) -> Result<bool, End> {
        stacker::maybe_grow(64 * 1024, 1024 * 1024, || self.one_here(at, inside, from))
    }

    fn one_here(&mut self, at: At, inside: bool, from: Place) -> Result<bool, End> {
        const START: Place = Place { pool: 0, slice: 0, device: 0 };
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return Err(End::Wrong(format!("node {}: timed out trying to allocate devices", self.node.name)));
        }
        let Some(claim) = self.claims.get(at.claim) else { return Ok(true) };
        let Some(alternatives) = claim.requests.get(at.request) else {
            let next = At { claim: at.claim + 1, request: 0, alternative: 0, device: 0 };
            return match self.one(next, false, START) {
                Err(End::Size) => Ok(false),
                other => other,
            };
        };
        if !inside && alternatives.first().is_some_and(|r| r.parent.is_some()) {
            let mut too_many = true;
            for alternative in 0..alternatives.len() {
                match self.one(At { alternative, ..at }, true, START) {
                    Err(End::Size) => {}
                    Ok(false) => too_many = false,
                    other => return other,
                }
            }
            return if too_many { Err(End::Size) } else { Ok(false) };
        }
        let request = &alternatives[at.alternative];
        if request.all.as_ref().is_some_and(Vec::is_empty) {
            return Ok(false);
        }
        if at.device >= request.count {
            let next = At { request: at.request + 1, alternative: 0, device: 0, ..at };
            return self.one(next, false, START);
        }
        if claim.given.len() + request.count - at.device > MAX_RESULTS {
            return Err(End::Size);
        }
        if let Some(all) = &request.all {
            let place = all[at.device];
            return Ok(self.try_device(at, place, true, inside)?.unwrap_or(false));
        }
        let admin = request.admin;
        for p in from.pool..self.pools.len() {
            if self.pools[p].incomplete || self.pools[p].invalid {
                continue;
            }
            let first = if p == from.pool { from.slice } else { 0 };
            for s in first..self.pools[p].slices.len() {
                let first = if p == from.pool && s == from.slice { from.device } else { 0 };
                for d in first..self.pools[p].slices[s].devices.len() {
                    let place = Place { pool: p, slice: s, device: d };
                    let id = self.id(place);
                    let same = self.taken.get(&id).is_some_and(|claims| claims.contains(&at.claim));
                    if (admin && same) || (!admin && self.busy(&id)) {
                        continue;
                    }
                    let claim = &self.claims[at.claim];
                    let request = &claim.requests[at.request][at.alternative];
                    let key = (at.claim, at.request, at.alternative);
                    if !self.selectable(claim.object, key, request, place).map_err(End::Wrong)? || !self.has_capacity(request, place) {
                        continue;
                    }
                    if self.try_device(at, place, false, inside)? == Some(true) {
                        return Ok(true);
                    }
                }
            }
        }
        Ok(false)
    }

    /// The allocation of a claim, as its status tells it.
    fn result(&self, claim: usize) -> Value {
        let given = &self.claims[claim].given;
        let results: Vec<Value> = given
            .iter()
            .map(|g| {
                let (driver, pool, device) = self.id(g.place);
                let mut out = json!({"request": g.request, "driver": driver, "pool": pool, "device": device});
                if g.admin {
                    out["adminAccess"] = true.into();
                }
                if let Some(capacity) = &g.capacity {
                    let amounts = capacity.iter().map(|(name, q)| (name.clone(), Value::from(format!("{}n", q.nanos))));
                    out["consumedCapacity"] = Value::Object(amounts.collect());
                    out["shareID"] = "00000000-0000-0000-0000-000000000000".into();
                }
                out
            })
            .collect();
        let mut out = json!({"devices": {"results": results}});
        if let Some(selector) = self.node_selector(given) {
            out["nodeSelector"] = selector;
        }
        out
    }

    /// The nodes from which what was given can be used; `None` for all. upstream: createNodeSelector
    fn node_selector(&self, given: &[Given]) -> Option<Value> {
        let (mut expressions, mut fields): (Vec<Value>, Vec<Value>) = (Vec::new(), Vec::new());
        for place in given.iter().map(|g| g.place) {
            let (slice, device) = (self.slice(place), self.device(place));
            let reach = if slice.per_device { &device.reach } else { &slice.reach };
            if reach.node.is_some() || device.binds_to_node {
                let field = json!({"key": "metadata.name", "operator": "In", "values": [self.node.name]});
                return Some(json!({"nodeSelectorTerms": [{"matchFields": [field]}]}));
            }
            if let [term] = list(&reach.written, &["nodeSelectorTerms"]) {
                let new = |from: &str, to: &mut Vec<Value>| {
                    for requirement in list(term, &[from]) {
                        if !to.contains(requirement) {
                            to.push(requirement.clone());
                        }
                    }
                };
                new("matchExpressions", &mut expressions);
                new("matchFields", &mut fields);
            }
        }
        let some = !(expressions.is_empty() && fields.is_empty());
        some.then(|| json!({"nodeSelectorTerms": [{"matchExpressions": expressions, "matchFields": fields}]}))
    }
}
