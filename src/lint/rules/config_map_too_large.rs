//! `config-map-too-large`: reports a ConfigMap or Secret with more than 1 MiB of data, and annotations of more than
//! 256 KiB in all.

use crate::lint::context::Context;

/// upstream: pkg/apis/core MaxSecretSize, apimachinery TotalAnnotationSizeLimitB
const MAX_DATA: usize = 1024 * 1024;
const MAX_ANNOTATIONS: usize = 256 * 1024;

pub(super) fn check(cx: &Context) {
    for object in cx.of(&["ConfigMap", "Secret"]) {
        let secret = object.object.id.kind == "Secret";
        let mut size = 0;
        for list in ["data", "binaryData", "stringData"] {
            for (_, value) in object.entries(list) {
                let length = value.str().map_or(0, str::len);
                let coded = list == "binaryData" || secret && list == "data";
                size += if coded { length / 4 * 3 } else { length };
            }
        }
        if size > MAX_DATA {
            cx.report(
                object.place("data"),
                format!("the data has {size} bytes, more than {MAX_DATA}"),
                "split it, or put it into a volume or an image",
            );
        }
    }
    for object in cx.objects() {
        let size: usize = object.entries("metadata.annotations").iter().map(|(k, v)| k.len() + v.str().map_or(0, str::len)).sum();
        if size > MAX_ANNOTATIONS {
            cx.report(
                object.place("metadata.annotations"),
                format!("the annotations have {size} bytes, more than {MAX_ANNOTATIONS}"),
                "move the data into a ConfigMap",
            );
        }
    }
}
