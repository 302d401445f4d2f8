//! Origins through text that is read back (`fromYaml`, `fromJson` of what a template wrote): each scalar of the result
//! keeps the origin of the bytes it was read from.

use crate::gotmpl::Tracer;
use crate::source::{FileId, Origin, OriginId, Origins};
use crate::value::{Kind, List, Value};
use crate::yaml;

/// Deeper values keep the origin of the whole.
const MAX_DEPTH: usize = 64;

/// `decoded`, which was read from the string `source`, with an origin for each scalar; as it is where nothing is known
/// of the text or it is no YAML.
pub(super) fn read_back(tracer: &mut Tracer, source: &Value, decoded: Value) -> Value {
    let Some(text) = source.as_str().filter(|_| source.origin.is_some()) else { return decoded };
    let mut places = Origins::new();
    let Ok(shape) = yaml::decode_traced(text.as_bytes(), FileId(0), &mut places) else { return decoded };
    let mut reader = Reader { tracer, places: &places, text: text.as_bytes(), origin: source.origin };
    reader.graft(decoded, &shape, 0)
}

struct Reader<'a> {
    tracer: &'a mut Tracer,
    /// Where each value of the shape stands in the text.
    places: &'a Origins,
    text: &'a [u8],
    origin: OriginId,
}

impl Reader<'_> {
    fn graft(&mut self, value: Value, shape: &Value, depth: usize) -> Value {
        if depth > MAX_DEPTH {
            return value;
        }
        match (&value.kind, &shape.kind) {
            (Kind::Map(map), Kind::Map(like)) => {
                let entries: Vec<_> = map.borrow().iter().map(|(k, v)| (k.clone(), v.clone())).collect();
                for (key, item) in entries {
                    if let Some(like) = like.get(key.as_bytes()) {
                        let item = self.graft(item, &like, depth + 1);
                        map.insert(key, item);
                    }
                }
                value
            }
            (Kind::List(list), Kind::List(like)) => {
                let items = list.items().iter().zip(like.items()).map(|(item, like)| self.graft(item.clone(), like, depth + 1));
                List::new(list.elem(), items.collect()).into()
            }
            (Kind::Map(_) | Kind::List(_), _) => value,
            _ => {
                let origin = self.scalar(&value, shape);
                value.with_origin(origin)
            }
        }
    }

    fn scalar(&mut self, value: &Value, shape: &Value) -> OriginId {
        let Some(Origin::Key { value: place, .. }) = self.places.get(shape.origin) else { return OriginId::NONE };
        let range = place.range();
        let (start, end) = (range.start.min(self.text.len()), range.end.min(self.text.len()));
        self.tracer.part(self.origin, &self.text[start..end], start, value)
    }
}

/// Whether the function reads a text back.
pub(super) fn reads_back(name: &str) -> bool {
    matches!(name, "fromYaml" | "fromYamlArray" | "fromJson" | "fromJsonArray" | "mustFromJson")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Span;

    #[test]
    fn scalars_keep_their_bytes_origin() {
        let mut origins = Origins::new();
        let key = |origins: &mut Origins, at: usize| {
            let span = Span::new(FileId(7), at, at + 1);
            origins.add(Origin::Key { value: span, key: span, path: at.to_string() })
        };
        let (one, two) = (key(&mut origins, 1), key(&mut origins, 2));
        let mut tracer = Tracer::new(origins);
        let piece = |start, end, origin| crate::source::Piece { start, end, template: None, action: false, frame: None, origin };
        let text = "a: web\nb:\n- \"x\"\n";
        let whole = tracer.pieces(vec![piece(3, 6, one), piece(13, 14, two)]);
        let source = Value::from(text).with_origin(whole);
        let decoded = read_back(&mut tracer, &source, yaml::decode(text.as_bytes()).expect("valid"));
        let map = decoded.as_map().expect("a map");
        let leaf = |v: &Value| tracer.origins.leaves(v.origin).0.into_iter().cloned().collect::<Vec<_>>();
        let path = |v: &Value| leaf(v).iter().map(|o| matches!(o, Origin::Key { path, .. } if path == "1")).collect::<Vec<_>>();
        assert_eq!(path(&map.get("a").expect("a")), [true]);
        let Kind::List(list) = &map.get("b").expect("b").kind else { panic!("no list") };
        assert_eq!(path(&list.items()[0]), [false]);
    }
}
