//! Recomputes the contrast of every pair of colours that the pages use from `style/tokens.css`, so that no change of
//! a token can fall below WCAG 2.2 AA unseen.

#![expect(clippy::unwrap_used, reason = "a test that cannot read the style has failed")]

use std::collections::BTreeMap;

/// A colour in sRGB.
type Rgb = [u8; 3];

/// Light and dark value of each token that is a plain `light-dark(#…, #…)`.
fn tokens() -> BTreeMap<String, [Rgb; 2]> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../style/tokens.css");
    let css = std::fs::read_to_string(path).unwrap();
    // Only the first block: what follows adapts it to what people asked of their system.
    let root = css.split_once(":root {").unwrap().1.split_once("\n    }").unwrap().0;
    let declarations = root.split(';').filter_map(|line| line.trim().strip_prefix("--")?.split_once(':'));
    declarations.filter_map(|(name, value)| Some((name.trim().to_owned(), pair(value.trim())?))).collect()
}

fn pair(value: &str) -> Option<[Rgb; 2]> {
    let (light, dark) = value.strip_prefix("light-dark(")?.strip_suffix(')')?.split_once(',')?;
    Some([hex(light.trim())?, hex(dark.trim())?])
}

fn hex(text: &str) -> Option<Rgb> {
    let digits = text.strip_prefix('#').filter(|d| d.len() == 6)?;
    let part = |from: usize| u8::from_str_radix(&digits[from..from + 2], 16).ok();
    Some([part(0)?, part(2)?, part(4)?])
}

/// WCAG's relative luminance.
fn luminance(colour: Rgb) -> f64 {
    let linear = |part: u8| {
        let c = f64::from(part) / 255.0;
        if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(colour[0]) + 0.7152 * linear(colour[1]) + 0.0722 * linear(colour[2])
}

/// WCAG's contrast ratio.
fn contrast(a: Rgb, b: Rgb) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// Text needs 4.5 on all that it stands on; borders of controls, shapes of states and lines of charts need 3.
const PAIRS: &[(f64, &[&str], &[&str])] = &[
    (4.5, &["text", "muted", "subtle"], &["page", "surface", "raised", "sunken"]),
    (4.5, &["text", "muted"], &["accent-soft", "err-soft", "ok-soft", "warn-soft"]),
    (4.5, &["accent", "ok", "warn", "err", "info"], &["page", "surface", "raised", "sunken"]),
    (4.5, &["accent"], &["accent-soft"]),
    (4.5, &["ok"], &["ok-soft"]),
    (4.5, &["warn"], &["warn-soft"]),
    (4.5, &["err"], &["err-soft"]),
    (4.5, &["on-accent"], &["accent-fill", "accent-fill-hover"]),
    (4.5, &["surface"], &["err"]),
    (3.0, &["control"], &["page", "surface", "raised"]),
    (3.0, &["accent-fill"], &["page", "surface", "sunken"]),
    (3.0, &["s1", "s2", "s3", "s4", "s5", "s6"], &["surface"]),
];

#[test]
fn every_pair_of_colours_can_be_read() {
    let tokens = tokens();
    let find = |name: &str| tokens.get(name).copied().unwrap_or_else(|| panic!("no token --{name}"));
    let mut low = Vec::new();
    for (least, fronts, backs) in PAIRS {
        for (front, back) in fronts.iter().flat_map(|front| backs.iter().map(move |back| (front, back))) {
            for (mode, look) in ["light", "dark"].into_iter().enumerate() {
                let ratio = contrast(find(front)[mode], find(back)[mode]);
                if ratio < *least {
                    low.push(format!("{look}: --{front} on --{back} has {ratio:.2}, needs {least}"));
                }
            }
        }
    }
    assert!(low.is_empty(), "{}", low.join("\n"));
}

#[test]
fn the_formula_is_the_standards() {
    let (black, white, grey) = ([0, 0, 0], [255, 255, 255], [0x76, 0x76, 0x76]);
    assert_eq!(format!("{:.1}", contrast(black, white)), "21.0");
    assert_eq!(format!("{:.2}", contrast(grey, white)), "4.54");
}

#[test]
fn every_part_is_in_the_list_once() {
    let style = concat!(env!("CARGO_MANIFEST_DIR"), "/../style");
    let list = std::fs::read_to_string(format!("{style}/order.txt")).unwrap();
    let mut listed: Vec<_> = list.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    listed.sort_unstable();
    let mut found = Vec::new();
    for folder in ["", "base/", "components/", "pages/"] {
        for entry in std::fs::read_dir(format!("{style}/{folder}")).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name.ends_with(".css") {
                found.push(format!("{folder}{name}"));
            }
        }
    }
    found.sort_unstable();
    assert_eq!(listed, found);
}
