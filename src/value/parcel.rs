//! Values on their way to another thread: what one thread packs, any number of others unpack for themselves.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::go_type::{GoType, IntType, UintType};
use super::kinds::{Kind, List, Map, Str, Value};
use super::stack::stacked;

/// Makes an object anew on another thread.
pub type Maker = Arc<dyn Fn() -> Value + Send + Sync>;

/// A packed value. Maps that several hold are held by as many when it is unpacked; origins are left behind.
pub struct Parcel {
    /// In the order of a walk: each list and map is followed by what it holds.
    parts: Vec<Part>,
    /// The keys of all maps, in that order.
    keys: Vec<Str>,
}

/// Room for so many parts is made at once: what is not used of it costs nothing.
const ROOM: usize = 4096;

enum Part {
    Nil,
    Bool(bool),
    Int(IntType, i64),
    Uint(UintType, u64),
    Float(f64),
    Complex(f64, f64),
    Str(Str),
    Bytes(Arc<[u8]>),
    NilList(GoType),
    List(GoType, usize),
    NilMap(GoType),
    Map(GoType, Option<&'static str>, usize),
    /// The map that was packed as the part of this number.
    Again(usize),
    Object(Maker),
}

impl Parcel {
    /// Packs a value. From then on its maps are watched: see [`Map::watch`]. Nothing when it holds an object that cannot be
    /// made on another thread.
    pub fn pack(value: &Value) -> Option<Self> {
        let mut parcel = Self { parts: Vec::with_capacity(ROOM), keys: Vec::with_capacity(ROOM) };
        parcel.add(value, &mut FxHashMap::default())?;
        Some(parcel)
    }

    fn add(&mut self, value: &Value, seen: &mut FxHashMap<usize, usize>) -> Option<()> {
        let part = match &value.kind {
            Kind::Nil => Part::Nil,
            Kind::Bool(v) => Part::Bool(*v),
            Kind::Int(t, v) => Part::Int(*t, *v),
            Kind::Uint(t, v) => Part::Uint(*t, *v),
            Kind::Float(v) => Part::Float(*v),
            Kind::Complex(re, im) => Part::Complex(*re, *im),
            Kind::Str(s) => Part::Str(s.clone()),
            Kind::Object(o) => Part::Object(o.maker()?),
            Kind::List(list) => return stacked(|| self.list(list, seen)),
            Kind::Map(map) => return stacked(|| self.map(map, seen)),
        };
        self.parts.push(part);
        Some(())
    }

    fn list(&mut self, list: &List, seen: &mut FxHashMap<usize, usize>) -> Option<()> {
        if let Some(bytes) = list.shared_bytes() {
            self.parts.push(Part::Bytes(bytes));
            return Some(());
        }
        if list.is_nil() {
            self.parts.push(Part::NilList(list.elem()));
            return Some(());
        }
        self.parts.push(Part::List(list.elem(), list.items().len()));
        list.items().iter().try_for_each(|item| self.add(item, seen))
    }

    fn map(&mut self, map: &Map, seen: &mut FxHashMap<usize, usize>) -> Option<()> {
        if map.is_shared() {
            if let Some(part) = seen.get(&map.address()) {
                self.parts.push(Part::Again(*part));
                return Some(());
            }
            seen.insert(map.address(), self.parts.len());
        }
        map.watch();
        if map.is_nil() {
            self.parts.push(Part::NilMap(map.elem()));
            return Some(());
        }
        let entries = map.borrow();
        self.parts.push(Part::Map(map.elem(), map.name(), entries.len()));
        for (key, value) in entries.iter() {
            self.keys.push(key.clone());
            self.add(value, seen)?;
        }
        Some(())
    }

    /// The value, whose maps are this thread's own and watched.
    pub fn unpack(&self) -> Value {
        Unpacking { parcel: self, part: 0, key: 0, maps: FxHashMap::default() }.next()
    }
}

struct Unpacking<'a> {
    parcel: &'a Parcel,
    part: usize,
    key: usize,
    /// By their parts' numbers.
    maps: FxHashMap<usize, Map>,
}

impl Unpacking<'_> {
    fn next(&mut self) -> Value {
        let number = self.part;
        self.part += 1;
        match &self.parcel.parts[number] {
            Part::Nil => Value::NIL,
            Part::Bool(v) => (*v).into(),
            Part::Int(t, v) => Kind::Int(*t, *v).into(),
            Part::Uint(t, v) => Kind::Uint(*t, *v).into(),
            Part::Float(v) => (*v).into(),
            Part::Complex(re, im) => Kind::Complex(*re, *im).into(),
            Part::Str(s) => s.clone().into(),
            Part::Bytes(bytes) => List::of_bytes(Arc::clone(bytes)).into(),
            Part::NilList(elem) => List::nil(*elem).into(),
            Part::List(elem, len) => List::new(*elem, stacked(|| (0..*len).map(|_| self.next()).collect())).into(),
            Part::NilMap(elem) => self.watched(number, Map::nil(*elem)),
            Part::Map(elem, name, len) => {
                let map = Map::typed(*elem, *name, std::collections::BTreeMap::new());
                self.maps.insert(number, map.clone());
                let entries = stacked(|| (0..*len).map(|_| self.entry()).collect());
                *map.borrow_mut() = entries;
                map.watch();
                map.into()
            }
            Part::Again(number) => self.maps.get(number).cloned().map_or(Value::NIL, Value::from),
            Part::Object(maker) => maker(),
        }
    }

    fn entry(&mut self) -> (Str, Value) {
        let key = self.parcel.keys[self.key].clone();
        self.key += 1;
        (key, self.next())
    }

    fn watched(&mut self, number: usize, map: Map) -> Value {
        map.watch();
        self.maps.insert(number, map.clone());
        map.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::noticing;

    fn text(value: &Value) -> String {
        format!("{:?}", crate::value::json::to_json(value))
    }

    #[test]
    fn what_is_unpacked_is_what_was_packed_and_its_own() {
        let shared = Map::default();
        shared.insert("a", Value::int(1));
        let top = Map::default();
        top.insert("one", shared.clone().into());
        top.insert("two", List::any(vec![shared.clone().into(), "x".into(), Value::NIL, 1.5.into()]).into());
        top.insert("bytes", List::of_bytes([1, 2].into()).into());
        top.insert("self", top.clone().into());
        let before = {
            top.remove("self");
            let before = text(&top.clone().into());
            top.insert("self", top.clone().into());
            before
        };
        let parcel = Parcel::pack(&top.clone().into()).unwrap();
        let copy = std::thread::scope(|s| {
            let parcel = &parcel;
            s.spawn(move || {
                let copy = parcel.unpack();
                let copy = copy.as_map().unwrap();
                assert!(copy.get("self").unwrap().as_map().unwrap().same(copy), "a map that holds itself does so again");
                let one = copy.get("one").unwrap();
                let two = copy.get("two").unwrap();
                assert!(one.as_map().unwrap().same(two.as_list().unwrap().items()[0].as_map().unwrap()));
                assert!(noticing(|| copy.remove("self")).1, "a change of a map that was unpacked is noticed");
                assert!(!noticing(|| Map::default().insert("new", Value::NIL)).1, "a map that was made since is nobody else's");
                text(&copy.clone().into())
            })
            .join()
            .unwrap()
        });
        assert_eq!(copy, before);
        let change = || shared.insert("a", Value::int(2));
        assert!(noticing(change).1, "a change of a map that was packed is noticed");
        assert!(!noticing(|| noticing(change)).1, "a change within is told within");
        let before = || {
            change();
            noticing(|| ())
        };
        assert!(noticing(before).1, "what happens within does not hide what was before");
        top.remove("self");
    }
}
