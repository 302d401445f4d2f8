//! Who may do what, from the roles and bindings of a cluster. upstream: plugin/pkg/auth/authorizer/rbac

use serde_json::Value;
use serde_json::json;

use super::api::{Access, Api};
use super::resources::Resource;
use crate::simulate::scheduler::json::{at, list, text, words};

const GROUP: &str = "rbac.authorization.k8s.io";

fn all<A: Api + ?Sized>(api: &A, name: &str, namespace: &str) -> Vec<Value> {
    let resource = Resource {
        group: GROUP.to_owned(),
        version: "v1".to_owned(),
        name: name.to_owned(),
        kind: match name {
            "roles" => "Role",
            "clusterroles" => "ClusterRole",
            "rolebindings" => "RoleBinding",
            _ => "ClusterRoleBinding",
        }
        .to_owned(),
        namespaced: matches!(name, "roles" | "rolebindings"),
        ..Resource::default()
    };
    api.list(&resource, namespace).unwrap_or_default()
}

fn is_bound(binding: &Value, user: &str, groups: &[String]) -> bool {
    list(binding, &["subjects"]).iter().any(|s| {
        let name = text(s, &["name"]);
        match text(s, &["kind"]) {
            "User" => name == user,
            "Group" => name == "system:authenticated" || groups.iter().any(|g| g == name),
            "ServiceAccount" => format!("system:serviceaccount:{}:{name}", text(s, &["namespace"])) == user,
            _ => false,
        }
    })
}

/// The rules a user has in a namespace, cluster-wide ones first.
pub fn rules<A: Api + ?Sized>(api: &A, user: &str, groups: &[String], namespace: &str) -> Vec<Value> {
    let cluster_roles = all(api, "clusterroles", "");
    let named =
        |roles: &[Value], name: &str| roles.iter().find(|r| text(r, &["metadata", "name"]) == name).map(|r| list(r, &["rules"]).to_vec());
    let mut out = Vec::new();
    for binding in all(api, "clusterrolebindings", "").iter().filter(|b| is_bound(b, user, groups)) {
        out.extend(named(&cluster_roles, text(binding, &["roleRef", "name"])).unwrap_or_default());
    }
    if !cluster_roles.iter().any(|r| text(r, &["metadata", "name"]) == "system:basic-user") {
        out.extend(of_everybody());
    }
    if !namespace.is_empty() {
        let roles = all(api, "roles", namespace);
        for binding in all(api, "rolebindings", namespace).iter().filter(|b| is_bound(b, user, groups)) {
            let from = if text(binding, &["roleRef", "kind"]) == "Role" { &roles } else { &cluster_roles };
            out.extend(named(from, text(binding, &["roleRef", "name"])).unwrap_or_default());
        }
    }
    out
}

/// What a new cluster lets every user do: `system:basic-user`, `system:discovery` and `system:public-info-viewer`.
/// upstream: plugin/pkg/auth/authorizer/rbac/bootstrappolicy
fn of_everybody() -> Vec<Value> {
    let urls = ["/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz", "/version", "/version/"];
    vec![
        json!({
            "apiGroups": ["authorization.k8s.io"],
            "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
            "verbs": ["create"],
        }),
        json!({"apiGroups": ["authentication.k8s.io"], "resources": ["selfsubjectreviews"], "verbs": ["create"]}),
        json!({"nonResourceURLs": urls, "verbs": ["get"]}),
        json!({"nonResourceURLs": ["/healthz", "/livez", "/readyz", "/version", "/version/"], "verbs": ["get"]}),
    ]
}

/// Whether the roles of a user allow something; an unnamed user is the administrator.
pub fn allowed<A: Api + ?Sized>(api: &A, user: &str, groups: &[String], access: &Access<'_>) -> bool {
    if user.is_empty() || groups.iter().any(|g| g == "system:masters") {
        return true;
    }
    rules(api, user, groups, access.namespace).iter().any(|rule| covers(rule, access))
}

fn covers(rule: &Value, access: &Access<'_>) -> bool {
    let has = |key: &str, wanted: &str| words(rule, &[key]).iter().any(|w| w == "*" || w == wanted);
    if !has("verbs", access.verb) {
        return false;
    }
    if access.non_resource {
        let meets = |url: &String| {
            url == "*" || url == access.resource || url.strip_suffix('*').is_some_and(|head| access.resource.starts_with(head))
        };
        return words(rule, &["nonResourceURLs"]).iter().any(meets);
    }
    let full =
        if access.subresource.is_empty() { access.resource.to_owned() } else { format!("{}/{}", access.resource, access.subresource) };
    let of_sub = format!("*/{}", access.subresource);
    let resource = words(rule, &["resources"]).iter().any(|r| r == "*" || *r == full || (!access.subresource.is_empty() && *r == of_sub));
    let names = words(rule, &["resourceNames"]);
    let named = names.is_empty() || (!access.name.is_empty() && names.iter().any(|n| n == access.name));
    has("apiGroups", access.group) && resource && named && !at(rule, &["resources"]).is_null()
}
