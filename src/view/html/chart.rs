//! Charts drawn by hand as SVG: a line or bars over time, in whole pixels. The values stand in
//! words in the chart's description and at each point, for whoever cannot see it.

use std::fmt::Write as _;

use minijinja::HtmlEscape;

use crate::domain::email::Locale;
use crate::domain::{Currency, Money, wording};

/// How wide a chart is that nothing else is said of.
pub const WIDTH: i64 = 720;
const HEIGHT: i64 = 230;
const LEFT: i64 = 112;
const RIGHT: i64 = 16;
const TOP: i64 = 14;
const BOTTOM: i64 = 30;
/// So wide a label is.
const LABEL: i64 = 44;

/// What is drawn, but for its values.
#[derive(Debug)]
pub struct Chart {
    /// Makes the ids of the page's charts differ.
    pub id: String,
    pub title: String,
    /// One a value.
    pub labels: Vec<String>,
    pub width: i64,
    /// `None`: the values are counts.
    pub currency: Option<Currency>,
    pub locale: Locale,
}

/// From the least to the greatest value that the axis shows.
#[derive(Debug, Clone, Copy)]
struct Scale {
    least: i64,
    most: i64,
    step: i64,
}

impl Scale {
    /// An axis that holds both, in about four steps of 1, 2 or 5 times a power of ten.
    fn over(least: i64, most: i64, unit: i64) -> Scale {
        let range = i128::from(most) - i128::from(least);
        let mut step = i128::from(unit.max(1));
        'found: while step * 4 < range {
            for times in [2, 5, 10] {
                if step * times * 4 >= range || times == 10 {
                    step *= times;
                    continue 'found;
                }
            }
        }
        let step = i64::try_from(step).unwrap_or(i64::MAX);
        let up = |value: i64| value.div_euclid(step) + i64::from(value.rem_euclid(step) > 0);
        let most = step.saturating_mul(up(most).max(1));
        Scale { least: step.saturating_mul(least.div_euclid(step)), most, step }
    }

    /// The height of a value on the page.
    fn y(&self, value: i64) -> i64 {
        let (room, range) =
            (i128::from(HEIGHT - TOP - BOTTOM), i128::from(self.most) - i128::from(self.least));
        let up = (i128::from(value) - i128::from(self.least)) * room / range.max(1);
        HEIGHT - BOTTOM - i64::try_from(up).unwrap_or(0)
    }
}

impl Chart {
    /// A line through the points.
    pub fn line(&self, points: &[i64]) -> String {
        let scale = self.scale(0, points.iter().copied().max().unwrap_or(0));
        let last = points.len().saturating_sub(1).max(1) as i64;
        let x = |at: usize| LEFT + 14 + at as i64 * (self.width - LEFT - RIGHT - 28) / last;
        let mut svg = self.head(&self.told(points, &[]));
        self.axis(&mut svg, scale);
        self.below(&mut svg, x);
        let path: Vec<String> =
            points.iter().enumerate().map(|(at, v)| format!("{},{}", x(at), scale.y(*v))).collect();
        let _ = write!(svg, "<polyline class=\"line\" points=\"{}\"/>", path.join(" "));
        for (at, value) in points.iter().enumerate() {
            let _ = write!(
                svg,
                "<circle class=\"dot\" cx=\"{}\" cy=\"{}\" r=\"3.5\"><title>{}</title></circle>",
                x(at),
                scale.y(*value),
                HtmlEscape(&self.at_point(at, *value)),
            );
        }
        svg.push_str("</svg>");
        svg
    }

    /// Bars above the axis, and others below it: what went wrong.
    pub fn bars(&self, up: &[i64], down: &[i64]) -> String {
        let deepest = down.iter().copied().max().unwrap_or(0);
        let scale = self.scale(-deepest, up.iter().copied().max().unwrap_or(0));
        let slot = (self.width - LEFT - RIGHT) / (up.len().max(1) as i64);
        let x = |at: usize| LEFT + at as i64 * slot + slot / 2;
        let wide = (slot * 6 / 10).clamp(2, 48);
        let mut svg = self.head(&self.told(up, down));
        self.axis(&mut svg, scale);
        self.below(&mut svg, x);
        let zero = scale.y(0);
        let mut bar = |class: &str, at: usize, value: i64, top: i64, bottom: i64| {
            let high = bottom - top;
            let _ = write!(
                svg,
                "<rect class=\"{class}\" x=\"{}\" y=\"{top}\" width=\"{wide}\" height=\"{high}\">\
                 <title>{}</title></rect>",
                x(at) - wide / 2,
                HtmlEscape(&self.at_point(at, value)),
            );
        };
        for (at, value) in up.iter().enumerate() {
            // What is there is seen, however little it is.
            let least = i64::from(*value > 0);
            bar("bar", at, *value, scale.y(*value).min(zero - least), zero);
        }
        for (at, value) in down.iter().enumerate() {
            let least = i64::from(*value > 0);
            bar("bar bad", at, -*value, zero, scale.y(-*value).max(zero + least));
        }
        svg.push_str("</svg>");
        svg
    }

    fn scale(&self, least: i64, most: i64) -> Scale {
        // Whole units of the currency, so that the axis has no cents.
        let unit = self.currency.map_or(1, |currency| 10i64.saturating_pow(currency.decimals()));
        Scale::over(least, most, unit)
    }

    fn value(&self, value: i64) -> String {
        match self.currency {
            Some(currency) => wording::amount(Money::from_minor(value, currency), self.locale),
            None => value.to_string(),
        }
    }

    fn at_point(&self, at: usize, value: i64) -> String {
        let colon = if self.locale == Locale::Fr { " :" } else { ":" };
        format!("{}{colon} {}", self.labels[at], self.value(value))
    }

    /// Every value in words.
    fn told(&self, up: &[i64], down: &[i64]) -> String {
        let below = |at: usize| down.get(at).copied().filter(|value| *value != 0);
        let told = up.iter().enumerate().map(|(at, value)| match below(at) {
            Some(down) => format!("{}, {}", self.at_point(at, *value), self.value(-down)),
            None => self.at_point(at, *value),
        });
        told.collect::<Vec<_>>().join("; ")
    }

    fn head(&self, description: &str) -> String {
        let (id, title) = (HtmlEscape(&self.id).to_string(), HtmlEscape(&self.title));
        let (description, width) = (HtmlEscape(description), self.width);
        format!(
            "<svg class=\"chart\" viewBox=\"0 0 {width} {HEIGHT}\" role=\"img\" \
             aria-labelledby=\"{id}-t {id}-d\"><title id=\"{id}-t\">{title}</title>\
             <desc id=\"{id}-d\">{description}</desc>"
        )
    }

    /// Lines across, with what they stand for.
    fn axis(&self, svg: &mut String, scale: Scale) {
        let mut value = scale.least;
        while value <= scale.most {
            let y = scale.y(value);
            let class = if value == 0 { "zero" } else { "grid" };
            let _ = write!(
                svg,
                "<line class=\"{class}\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{y}\" y2=\"{y}\"/>\
                 <text class=\"tick\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
                self.width - RIGHT,
                LEFT - 8,
                y + 4,
                HtmlEscape(&self.tick(value)),
            );
            match value.checked_add(scale.step) {
                Some(next) => value = next,
                None => break,
            }
        }
    }

    /// An amount of the axis, which is in whole units.
    fn tick(&self, value: i64) -> String {
        let text = self.value(value);
        let decimals = self.currency.map_or(0, |currency| currency.decimals() as usize);
        let point = if self.locale == Locale::Fr { ',' } else { '.' };
        match decimals {
            0 => text,
            _ => text.replace(&format!("{point}{}", "0".repeat(decimals)), ""),
        }
    }

    fn below(&self, svg: &mut String, x: impl Fn(usize) -> i64) {
        let most = usize::try_from((self.width - LEFT - RIGHT) / LABEL).unwrap_or(1).max(1);
        let every = self.labels.len().div_ceil(most).max(1);
        // Counted from the end: the newest always has its label.
        let newest = self.labels.len().saturating_sub(1);
        for (at, label) in self.labels.iter().enumerate() {
            if !(newest - at).is_multiple_of(every) {
                continue;
            }
            let _ = write!(
                svg,
                "<text class=\"tick\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                x(at),
                HEIGHT - 10,
                HtmlEscape(label),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_holds_its_values_in_a_few_round_steps() {
        for (least, most, unit) in
            [(0, 0, 1), (0, 810_000, 1), (0, 31_402, 100), (-70_000, 285_000, 1), (-3, 0, 1)]
        {
            let scale = Scale::over(least, most, unit);
            assert!(scale.least <= least && scale.most >= most.max(1), "{scale:?}");
            assert!((scale.most - scale.least) / scale.step <= 6, "{scale:?}");
            assert_eq!(scale.step % unit, 0);
        }
        let scale = Scale::over(0, 1_000_000_000_000_000, 1);
        assert_eq!((scale.y(0), scale.y(scale.most)), (HEIGHT - BOTTOM, TOP));
    }
}
