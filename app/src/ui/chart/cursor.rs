//! The cursor over the charts of a page: one time for all of them, by pointer, finger or keyboard.
//!
//! It takes over the charts that the server drew and rebuilds nothing: it adds a line and dots to each, and writes the
//! values at its time into the legends. To the keyboard and to screen readers a chart becomes a slider over its steps,
//! whose value is the time and what was measured then. Without scripts charts stay as they are.

use super::{
    clock,
    frame::{percent, step_percent},
    renew::RENEWED,
    unit_of,
    words::{tell_or_dash, unpacked},
};
use chrono::{DateTime, TimeDelta};
use leptos::prelude::*;
use types::metric::Unit;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Element, Event, KeyboardEvent, MouseEvent};

/// The cursor of all charts of the page.
#[island]
pub fn Cursor() -> impl IntoView {
    // Effects run in the browser only.
    Effect::new(move |_| {
        let page = StoredValue::new_local(Page::read());
        let act = move |event: Event| page.update_value(|page| page.hear(&event));
        for name in ["pointermove", "pointerdown", "pointerout", "keydown", "focusin", "focusout", RENEWED] {
            let act = Closure::<dyn FnMut(Event)>::new(act);
            drop(document().add_event_listener_with_callback(name, act.as_ref().unchecked_ref()));
            // It lives as long as the page.
            act.forget();
        }
    });
}

/// A chart that the server drew.
struct Drawn {
    plot: Element,
    over: Element,
    unit: Unit,
    top: f64,
    values: Vec<Vec<Option<f64>>>,
    names: Vec<String>,
    head: Option<Element>,
    cells: Vec<Element>,
    /// What the cells say without a cursor; the head's words first.
    resting: Vec<String>,
    /// The cursor's line, then a dot for each series.
    marks: Vec<Element>,
}

#[derive(Default)]
struct Page {
    charts: Vec<Drawn>,
    /// When the first step begins, seconds since 1970.
    from: i64,
    step_s: u32,
    steps: usize,
    at: Option<usize>,
}

impl Page {
    /// The charts as they are drawn now.
    fn read() -> Self {
        let Some(place) = document().query_selector(".charts").ok().flatten() else { return Self::default() };
        let number = |name: &str| attribute(&place, name).parse::<i64>().unwrap_or_default();
        let page = Self {
            charts: all(&place, ".chart-plot").into_iter().filter_map(Drawn::read).collect(),
            from: number("data-from"),
            step_s: u32::try_from(number("data-step")).unwrap_or_default(),
            steps: usize::try_from(number("data-steps")).unwrap_or_default(),
            at: None,
        };
        for chart in &page.charts {
            chart.make_slider(page.steps);
        }
        page
    }

    /// The charts were drawn anew: the cursor stays at its time.
    fn renew(&mut self) {
        let before = self.at.map(|at| self.seconds(at));
        // The heads are still the old ones.
        for chart in &mut self.charts {
            chart.rest();
        }
        *self = Self::read();
        if let Some(step) = before.map(|time| (time - self.from).div_euclid(i64::from(self.step_s.max(1)))) {
            self.show(Some(usize::try_from(step).unwrap_or(0).min(self.steps.saturating_sub(1))));
        }
    }

    /// When a step begins, seconds since 1970.
    fn seconds(&self, at: usize) -> i64 {
        self.from + i64::from(self.step_s) * i64::try_from(at).unwrap_or(0)
    }

    fn hear(&mut self, event: &Event) {
        if event.type_() == RENEWED {
            return self.renew();
        }
        let Some(target) = event.target().and_then(|target| target.dyn_into::<Element>().ok()) else {
            return;
        };
        let plot = target.closest(".chart-plot").ok().flatten();
        match (event.type_().as_str(), plot) {
            ("pointermove" | "pointerdown", Some(plot)) => {
                if let Some(pointer) = event.dyn_ref::<MouseEvent>() {
                    let at = self.step_under(&plot, f64::from(pointer.client_x()));
                    self.show(Some(at));
                }
            }
            ("pointerout", Some(plot)) => {
                // Leaving a chart for one of its own lines is not leaving it; a chart with the focus keeps its cursor.
                let to = event.dyn_ref::<MouseEvent>().and_then(MouseEvent::related_target);
                let stays = to
                    .and_then(|to| to.dyn_into::<Element>().ok())
                    .is_some_and(|to| plot.contains(Some(&to)));
                if !stays && focused().is_none() {
                    self.show(None);
                }
            }
            ("focusin", Some(_)) if self.at.is_none() => self.show(self.steps.checked_sub(1)),
            ("focusout", Some(_)) => self.show(None),
            ("keydown", Some(_)) => self.press(event),
            _ => {}
        }
    }

    fn press(&mut self, event: &Event) {
        let Some(key) = event.dyn_ref::<KeyboardEvent>() else { return };
        let last = self.steps.saturating_sub(1);
        let at = self.at.unwrap_or(last);
        let to = match key.key().as_str() {
            "ArrowLeft" => Some(at.saturating_sub(1)),
            "ArrowRight" => Some((at + 1).min(last)),
            "PageDown" => Some(at.saturating_sub(self.steps / 10)),
            "PageUp" => Some((at + self.steps / 10).min(last)),
            "Home" => Some(0),
            "End" => Some(last),
            "Escape" => None,
            _ => return,
        };
        event.prevent_default();
        self.show(to);
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped between two steps")]
    #[expect(clippy::cast_precision_loss, reason = "steps of a chart")]
    fn step_under(&self, plot: &Element, x: f64) -> usize {
        let place = plot.get_bounding_client_rect();
        let share = ((x - place.left()) / place.width().max(1.0)).clamp(0.0, 1.0);
        ((share * self.steps as f64) as usize).min(self.steps.saturating_sub(1))
    }

    fn show(&mut self, at: Option<usize>) {
        if self.at == at {
            return;
        }
        self.at = at;
        let name = at.map(|at| self.name(at));
        for chart in &mut self.charts {
            match (at, &name) {
                (Some(at), Some(name)) => chart.show(at, self.steps, name),
                _ => chart.rest(),
            }
        }
    }

    /// The time of a step, as the tables name it.
    fn name(&self, at: usize) -> String {
        let time = |at: usize| DateTime::from_timestamp(self.seconds(at), 0).unwrap_or_default();
        let span: TimeDelta = time(self.steps) - time(0);
        clock::name(time(at), self.step_s, span)
    }
}

impl Drawn {
    fn read(plot: Element) -> Option<Self> {
        let figure = plot.closest(".chart").ok()??;
        let cells = all(&figure, ".legend .at");
        let head = figure.query_selector(".legend .at-head").ok()?;
        let mut resting = vec![head.as_ref().and_then(|head| head.text_content()).unwrap_or_default()];
        resting.extend(cells.iter().map(|cell| cell.text_content().unwrap_or_default()));
        let names = all(&figure, ".legend tbody th");
        Some(Self {
            over: plot.query_selector(".over").ok()??,
            unit: unit_of(&plot.get_attribute("data-unit")?)?,
            top: plot.get_attribute("data-top")?.parse().ok()?,
            values: unpacked(&plot.get_attribute("data-values")?),
            names: names
                .iter()
                .map(|name| name.text_content().unwrap_or_default().trim().to_owned())
                .collect(),
            head,
            cells,
            resting,
            marks: Vec::new(),
            plot,
        })
    }

    fn make_slider(&self, steps: usize) {
        let last = steps.saturating_sub(1).to_string();
        let label = format!("Cursor over time. {}", attribute(&self.plot, "data-summary"));
        let attributes = [
            ("role", "slider"),
            ("tabindex", "0"),
            ("aria-valuemin", "0"),
            ("aria-valuemax", &last),
            ("aria-valuenow", &last),
            ("aria-label", &label),
            ("aria-valuetext", "now"),
        ];
        for (name, value) in attributes {
            drop(self.plot.set_attribute(name, value));
        }
    }

    fn show(&mut self, at: usize, steps: usize, name: &str) {
        if self.marks.is_empty() {
            self.marks = self.draw();
        }
        let x = step_percent(at, steps);
        let values: Vec<Option<f64>> =
            self.values.iter().map(|series| series.get(at).copied().flatten()).collect();
        for (place, mark) in self.marks.iter().enumerate() {
            let Some(series) = place.checked_sub(1) else {
                drop(mark.set_attribute("x1", &x));
                drop(mark.set_attribute("x2", &x));
                drop(mark.remove_attribute("visibility"));
                continue;
            };
            let Some(value) = values.get(series).copied().flatten() else {
                drop(mark.set_attribute("visibility", "hidden"));
                continue;
            };
            drop(mark.set_attribute("cx", &x));
            drop(mark.set_attribute("cy", &percent(1.0 - (value / self.top).clamp(0.0, 1.0))));
            drop(mark.remove_attribute("visibility"));
        }
        if let Some(head) = &self.head {
            head.set_text_content(Some(name));
        }
        let told: Vec<String> = values.iter().map(|value| tell_or_dash(self.unit, *value)).collect();
        for (cell, words) in self.cells.iter().zip(&told) {
            cell.set_text_content(Some(words));
        }
        let each: Vec<String> =
            self.names.iter().zip(&told).map(|(name, words)| format!("{name} {words}")).collect();
        drop(self.plot.set_attribute("aria-valuenow", &at.to_string()));
        drop(self.plot.set_attribute("aria-valuetext", &format!("{name} UTC: {}", each.join(", "))));
    }

    fn rest(&mut self) {
        for mark in &self.marks {
            drop(mark.set_attribute("visibility", "hidden"));
        }
        for (element, words) in self.head.iter().chain(&self.cells).zip(&self.resting) {
            element.set_text_content(Some(words));
        }
    }

    fn draw(&self) -> Vec<Element> {
        let make = |kind: &str, attributes: &[(&str, &str)]| {
            let made = document().create_element_ns(Some("http://www.w3.org/2000/svg"), kind).ok()?;
            for (name, value) in attributes {
                drop(made.set_attribute(name, value));
            }
            drop(self.over.append_child(&made));
            Some(made)
        };
        let line = make("line", &[("class", "cursor-line"), ("y1", "0"), ("y2", "100%")]);
        let dot = |series: usize| {
            make("circle", &[("class", "cursor-dot"), ("data-series", &(series + 1).to_string()), ("r", "4")])
        };
        line.into_iter().chain((0..self.values.len()).filter_map(dot)).collect()
    }
}

fn focused() -> Option<Element> {
    document().active_element()?.closest(".chart-plot").ok()?
}

fn attribute(element: &Element, name: &str) -> String {
    element.get_attribute(name).unwrap_or_default()
}

fn all(within: &Element, selector: &str) -> Vec<Element> {
    let Ok(found) = within.query_selector_all(selector) else { return Vec::new() };
    (0..found.length()).filter_map(|at| found.item(at)?.dyn_into().ok()).collect()
}
