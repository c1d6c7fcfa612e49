//! Where a hook may go, and what may run: rules for input, and for addresses after a name was resolved.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use url::{Host, Url};

/// Longer URLs are refused.
const LONGEST_URL: usize = 2000;

/// Whether a hook may call this address: link-local addresses (there, clouds hand out credentials), unspecified,
/// multicast and broadcast ones never; private ones and this host itself where `private` says so.
#[must_use]
pub fn may_call(address: IpAddr, private: bool) -> bool {
    match address {
        IpAddr::V4(v4) => may_call_v4(v4, private),
        IpAddr::V6(v6) => match embedded(v6) {
            Some(v4) => may_call_v4(v4, private),
            None => {
                let local = v6.is_loopback() || v6.is_unique_local();
                let never = v6.is_unspecified() || v6.is_multicast() || v6.is_unicast_link_local();
                // Where one cloud answers with credentials, inside the unique-local range.
                let metadata = v6 == Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
                !never && !metadata && (private || !local)
            }
        },
    }
}

fn may_call_v4(v4: Ipv4Addr, private: bool) -> bool {
    let shared = v4.octets()[0] == 100 && (64..128).contains(&v4.octets()[1]);
    let local = v4.is_loopback() || v4.is_private() || shared;
    let never = v4.octets()[0] == 0 || v4.is_link_local() || v4.is_multicast() || v4.octets()[0] >= 240;
    !never && (private || !local)
}

/// The IPv4 address that an IPv6 one stands for: mapped, NAT64, 6to4.
fn embedded(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    let s = v6.segments();
    let from = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match s {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0, 0, 0, 0, 0, 0xffff, high, low] => Some(from(high, low)),
        [0x2002, high, low, ..] => Some(from(high, low)),
        _ => None,
    }
}

/// The sentence that stands beside the field, unless the URL may be a hook's.
pub(super) fn check_url(text: &str, private: bool) -> Result<Url, String> {
    if text.len() > LONGEST_URL {
        return Err(format!("The URL is longer than {LONGEST_URL} characters."));
    }
    let url = Url::parse(text)
        .map_err(|_| "This is not a URL; it looks like https://app.example.org/restart.".to_owned())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("The URL begins with https:// or http://.".into());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("The URL has no user name and password in it: calls are signed instead.".into());
    }
    if url.fragment().is_some() {
        return Err("The URL has no # part: it would not be sent.".into());
    }
    let address = match url.host() {
        Some(Host::Ipv4(v4)) => Some(IpAddr::V4(v4)),
        Some(Host::Ipv6(v6)) => Some(IpAddr::V6(v6)),
        Some(Host::Domain(_)) => None,
        None => return Err("The URL has no host.".into()),
    };
    if address.is_some_and(|address| !may_call(address, private)) {
        return Err("This address is not called: use the address of your app.".into());
    }
    Ok(url)
}

/// The sentence that stands beside the field, unless the command may be a hook's.
pub(super) fn check_command(argv: &[String]) -> Result<(), String> {
    if argv.len() > 64 || argv.iter().map(String::len).sum::<usize>() > 8192 {
        return Err("The command has at most 64 arguments and 8192 characters.".into());
    }
    if argv.iter().any(|part| part.contains('\0')) {
        return Err("The command has a NUL character.".into());
    }
    match argv.first() {
        Some(program) if !program.starts_with('/') => {
            Err("The command begins with the full path of a program: no shell looks it up.".into())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_hooks() {
        for good in [
            "https://app.example.org/restart?x=1",
            "http://10.0.0.7:8080/",
            "http://127.0.0.1/",
            "http://[::1]/",
        ] {
            assert!(check_url(good, true).is_ok(), "{good}");
        }
        let long = format!("https://x/{}", "a".repeat(LONGEST_URL));
        for bad in [
            "",
            "restart",
            "ftp://x/",
            "file:///etc/passwd",
            "https://user@x/",
            "https://u:p@x/",
            "https://x/#y",
            "http://169.254.169.254/latest/meta-data",
            "http://2852039166/",
            "http://0xa9fea9fe/",
            "http://[::ffff:169.254.169.254]/",
            "http://[64:ff9b::a9fe:a9fe]/",
            "http://[fe80::1]/",
            "http://0.0.0.0/",
            "http://255.255.255.255/",
            "http://[fd00:ec2::254]/",
            &long,
        ] {
            assert!(check_url(bad, true).is_err(), "{bad}");
        }
        for private in [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://0x7f000001/",
            "http://10.1.2.3/",
            "http://192.168.1.1/",
            "http://100.64.0.1/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[2002:7f00:1::]/",
            "http://[fd12::1]/",
        ] {
            assert!(check_url(private, false).is_err(), "{private}");
        }
        assert!(check_url("https://203.0.114.1/", false).is_ok());
    }

    #[test]
    fn commands_of_hooks() {
        assert!(check_command(&[]).is_ok());
        assert!(check_command(&["/usr/bin/systemctl".into(), "restart".into(), "my app".into()]).is_ok());
        for bad in
            [vec!["systemctl".to_owned()], vec![String::new()], vec!["/x\0".into()], vec!["/x".into(); 65]]
        {
            assert!(check_command(&bad).is_err(), "{bad:?}");
        }
    }
}
