//! `pull-policy-not-always`: reports an image pull policy other than `Always`.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        let policy = container.field.text("imagePullPolicy");
        let image = container.field.text("image").unwrap_or("");
        let name = image.rsplit('/').next().unwrap_or(image);
        // Without a policy, latest and untagged images are always pulled.
        let always = policy.map_or(!name.contains('@') && (!name.contains(':') || name.ends_with(":latest")), |p| p == "Always");
        if !always {
            cx.report(container.field.place("imagePullPolicy"), "the image is not always pulled", "set imagePullPolicy: Always");
        }
    }
}
