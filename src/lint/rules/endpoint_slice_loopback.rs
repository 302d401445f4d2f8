//! `endpoint-slice-loopback`: reports an endpoint address in a loopback, link-local or multicast range.

use std::net::IpAddr;

use crate::lint::context::Context;
use crate::lint::field::Field;

pub(super) fn check(cx: &Context) {
    let mut addresses: Vec<Field> =
        cx.all("EndpointSlice").iter().flat_map(|s| s.items("endpoints")).flat_map(|e| e.items("addresses")).collect();
    for subset in cx.all("Endpoints").iter().flat_map(|e| e.items("subsets")) {
        for list in ["addresses", "notReadyAddresses"] {
            addresses.extend(subset.items(list).iter().filter_map(|a| a.get("ip")));
        }
    }
    for address in addresses {
        let Some(ip) = address.str().and_then(|t| t.parse::<IpAddr>().ok()) else { continue };
        let local = match ip {
            IpAddr::V4(v4) => v4.is_link_local(),
            IpAddr::V6(v6) => v6.is_unicast_link_local(),
        };
        let what = if ip.is_loopback() {
            "a loopback address"
        } else if local {
            "a link-local address"
        } else if ip.is_multicast() {
            "a multicast address"
        } else if ip.is_unspecified() {
            "no address"
        } else {
            continue;
        };
        cx.report(
            address,
            format!("{ip} is {what}, which the API server refuses"),
            "use the address under which other nodes reach the endpoint",
        );
    }
}
