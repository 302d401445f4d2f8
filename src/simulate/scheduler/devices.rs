//! What drivers publish of their devices (ResourceSlices), and the pools of it that a node can use.
//! upstream: k8s.io/dynamic-resource-allocation/structured/internal/incubating/pools_incubating.go

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::api::Node;
use super::json::{at, int, list, name, scalar, text};
use super::selector::{NodeSelectorTerm, node_selector};
use crate::kube::quantity;
use crate::kube::quantity::Quantity;

/// Driver, pool and device.
pub type DeviceId = (String, String, String);

/// A quantity; zero for what is none.
pub fn amount(value: &Value) -> Quantity {
    quantity::parse(&scalar(value)).unwrap_or_default()
}

/// Amounts by name.
pub fn amounts(value: &Value) -> BTreeMap<String, Quantity> {
    value.as_object().into_iter().flatten().map(|(name, v)| (name.clone(), amount(v))).collect()
}

/// Which nodes can reach something.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    /// This node.
    pub node: Option<String>,
    /// Every node.
    pub all: bool,
    /// Nodes that match.
    pub selector: Option<Vec<NodeSelectorTerm>>,
    /// The selector as written.
    pub written: Value,
}

impl Reach {
    fn new(value: &Value) -> Self {
        let node = text(value, &["nodeName"]);
        Self {
            node: (!node.is_empty()).then(|| node.to_owned()),
            all: at(value, &["allNodes"]).as_bool() == Some(true),
            selector: node_selector(at(value, &["nodeSelector"])),
            written: at(value, &["nodeSelector"]).clone(),
        }
    }

    fn is_told(&self) -> bool {
        self.node.is_some() || self.all || self.selector.is_some()
    }

    /// upstream: NodeMatches
    pub fn matches(&self, node: &Node) -> bool {
        match (&self.node, self.all, &self.selector) {
            (Some(name), ..) => *name == node.name,
            (None, true, _) => true,
            (None, false, Some(terms)) => terms.iter().any(|t| t.matches(node)),
            (None, false, None) => false,
        }
    }
}

/// A device that a driver publishes.
#[derive(Clone, Debug)]
pub struct Device {
    /// Its name in the pool.
    pub name: String,
    /// `attributes`, as written.
    pub attributes: BTreeMap<String, Value>,
    /// `capacity`, as written.
    pub capacity: BTreeMap<String, Value>,
    /// Keys, values and effects of its taints.
    pub taints: Vec<super::api::Taint>,
    /// Which nodes can reach it, when each device says so.
    pub reach: Reach,
    /// Counter sets and what it takes from them.
    pub consumes: Vec<(String, BTreeMap<String, Quantity>)>,
    /// Whether several claims may share it.
    pub shared: bool,
    /// Whether something has to happen before a pod may be bound to it.
    pub binding_conditions: bool,
    /// Whether its use ties a claim to the node.
    pub binds_to_node: bool,
}

impl Device {
    fn new(value: &Value) -> Self {
        let map = |key: &str| at(value, &[key]).as_object().into_iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect();
        let consumed = |c: &Value| (text(c, &["counterSet"]).to_owned(), counters(at(c, &["counters"])));
        Self {
            name: name_of(value),
            attributes: map("attributes"),
            capacity: map("capacity"),
            taints: list(value, &["taints"]).iter().map(super::api::Taint::new).collect(),
            reach: Reach::new(value),
            consumes: list(value, &["consumesCounters"]).iter().map(consumed).collect(),
            shared: at(value, &["allowMultipleAllocations"]).as_bool() == Some(true),
            binding_conditions: !list(value, &["bindingConditions"]).is_empty(),
            binds_to_node: at(value, &["bindsToNode"]).as_bool() == Some(true),
        }
    }
}

fn name_of(value: &Value) -> String {
    text(value, &["name"]).to_owned()
}

fn counters(value: &Value) -> BTreeMap<String, Quantity> {
    value.as_object().into_iter().flatten().map(|(name, v)| (name.clone(), amount(at(v, &["value"])))).collect()
}

/// A ResourceSlice.
#[derive(Clone, Debug)]
pub struct Slice {
    /// Its name.
    pub name: String,
    /// The driver.
    pub driver: String,
    /// The pool.
    pub pool: String,
    generation: i64,
    /// How many slices the pool has.
    count: i64,
    /// Which nodes can reach its devices.
    pub reach: Reach,
    /// Whether each device says which nodes can reach it.
    pub per_device: bool,
    /// The devices.
    pub devices: Vec<Device>,
    /// Counter sets that devices of the pool share.
    sets: Vec<(String, BTreeMap<String, Quantity>)>,
}

impl Slice {
    /// Reads a ResourceSlice.
    pub fn new(object: &Value) -> Self {
        let spec = at(object, &["spec"]);
        let set = |s: &Value| (name_of(s), counters(at(s, &["counters"])));
        Self {
            name: name(object),
            driver: text(spec, &["driver"]).to_owned(),
            pool: text(spec, &["pool", "name"]).to_owned(),
            generation: int(spec, &["pool", "generation"]).unwrap_or(0),
            count: int(spec, &["pool", "resourceSliceCount"]).unwrap_or(0),
            reach: Reach::new(spec),
            per_device: at(spec, &["perDeviceNodeSelection"]).as_bool() == Some(true),
            devices: list(spec, &["devices"]).iter().map(Device::new).collect(),
            sets: list(spec, &["sharedCounters"]).iter().map(set).collect(),
        }
    }

    fn relevant(&self, node: &Node) -> bool {
        if !self.sets.is_empty() {
            return true;
        }
        if self.reach.is_told() {
            return self.reach.matches(node);
        }
        self.per_device && self.devices.iter().any(|d| d.reach.matches(node))
    }
}

/// All slices, found by node.
#[derive(Clone, Debug, Default)]
pub struct Slices {
    all: Vec<Arc<Slice>>,
    of_node: BTreeMap<String, Vec<usize>>,
    of_many: Vec<usize>,
}

impl Slices {
    /// Takes in a ResourceSlice.
    pub fn add(&mut self, object: &Value) {
        let slice = Slice::new(object);
        let place = self.all.len();
        match slice.reach.node.as_ref().filter(|_| slice.sets.is_empty()) {
            Some(node) => self.of_node.entry(node.clone()).or_default().push(place),
            None => self.of_many.push(place),
        }
        self.all.push(Arc::new(slice));
    }
}

/// The devices of one pool that a node can use.
#[derive(Clone, Debug)]
pub struct Pool {
    /// The driver.
    pub driver: String,
    /// Its name.
    pub name: String,
    /// Whether the driver has not published all of it yet.
    pub incomplete: bool,
    /// Whether it contradicts itself.
    pub invalid: bool,
    /// Slices whose devices the node can use, by name.
    pub slices: Vec<Arc<Slice>>,
    /// The other slices.
    pub others: Vec<Arc<Slice>>,
    /// What devices may consume together.
    pub counters: BTreeMap<String, BTreeMap<String, Quantity>>,
}

fn consistent(sets: &BTreeMap<String, BTreeMap<String, Quantity>>, slices: &[Arc<Slice>]) -> bool {
    slices
        .iter()
        .flat_map(|s| &s.devices)
        .flat_map(|d| &d.consumes)
        .all(|(set, wanted)| sets.get(set).is_some_and(|known| wanted.keys().all(|counter| known.contains_key(counter))))
}

fn build(driver: String, name: String, mut slices: Vec<Arc<Slice>>, all: &[Arc<Slice>]) -> Pool {
    slices.sort_by(|a, b| a.name.cmp(&b.name));
    let (with_sets, with_devices): (Vec<_>, Vec<_>) = slices.iter().cloned().partition(|s| !s.sets.is_empty());
    let mut counters = BTreeMap::new();
    let mut invalid = false;
    for (set, amounts) in with_sets.iter().flat_map(|s| &s.sets) {
        invalid |= counters.insert(set.clone(), amounts.clone()).is_some();
    }
    let mut names = BTreeSet::new();
    invalid |= !with_devices.iter().flat_map(|s| &s.devices).all(|d| names.insert(d.name.as_str()));
    let others: Vec<Arc<Slice>> = all.iter().filter(|s| !slices.iter().any(|own| own.name == s.name)).cloned().collect();
    invalid |= !consistent(&counters, &slices) || !consistent(&counters, &others);
    Pool { driver, name, incomplete: false, invalid, slices: with_devices, others, counters }
}

/// The pools a node can use, in the order in which they are searched. upstream: GatherPools
pub fn pools(slices: &Slices, node: &Node) -> Vec<Pool> {
    let mut found: BTreeMap<(String, String), Vec<Arc<Slice>>> = BTreeMap::new();
    let own = slices.of_node.get(&node.name).into_iter().flatten();
    for slice in own.chain(&slices.of_many).map(|i| &slices.all[*i]).filter(|s| s.relevant(node)) {
        let pool = found.entry((slice.driver.clone(), slice.pool.clone())).or_default();
        match pool.first().map(|first| slice.generation.cmp(&first.generation)) {
            Some(std::cmp::Ordering::Less) => {}
            Some(std::cmp::Ordering::Greater) => *pool = vec![Arc::clone(slice)],
            _ => pool.push(Arc::clone(slice)),
        }
    }
    let (mut first, mut last) = (Vec::new(), Vec::new());
    for ((driver, name), own) in found {
        let Some((generation, count)) = own.first().map(|s| (s.generation, s.count)) else { continue };
        let mut all = Vec::new();
        if own.len() as i64 != count {
            let pool: Vec<&Arc<Slice>> = slices.all.iter().filter(|s| s.driver == driver && s.pool == name).collect();
            if pool.iter().any(|s| s.generation > generation) {
                continue;
            }
            all = pool.into_iter().filter(|s| s.generation == generation).cloned().collect();
            if all.len() as i64 != count {
                let (slices, others, counters) = (Vec::new(), Vec::new(), BTreeMap::new());
                first.push(Pool { driver, name, incomplete: true, invalid: false, slices, others, counters });
                continue;
            }
        }
        let pool = build(driver, name, own, &all);
        // Devices that are not ready at once come last.
        let waits = pool.slices.iter().flat_map(|s| &s.devices).any(|d| d.binding_conditions);
        if waits { last.push(pool) } else { first.push(pool) }
    }
    first.extend(last);
    first
}
