//! Plots as SVG, without a library: two axes, a line for each series, a legend.

use std::fmt::Write as _;

use serde::Serialize;

/// Points of one line.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
}

/// How something grows.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Curve {
    pub(crate) title: String,
    pub(crate) x: String,
    pub(crate) y: String,
    pub(crate) series: Vec<Series>,
}

/// Size of the picture, and the room around the axes: left, right, top, bottom.
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 340.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 60.0;
const BOTTOM: f64 = 50.0;

/// Colours that can be told apart on light and dark ground.
const COLOURS: [&str; 4] = ["#2a78d6", "#e07b39", "#2f9e5f", "#a05cc0"];

impl Curve {
    /// The picture. Across it is logarithmic, upwards it begins at zero.
    pub(crate) fn svg(&self) -> String {
        let all = || self.series.iter().flat_map(|series| series.points.iter().copied());
        let (x_min, x_max) =
            all().fold((f64::INFINITY, 1.0_f64), |(low, high), (x, _)| (low.min(x), high.max(x)));
        let y_max = ceiling(all().fold(0.0, |high: f64, (_, y)| high.max(y)));
        let x_min = x_min.max(1e-9);
        let span = (x_max.ln() - x_min.ln()).max(1e-9);
        let across = |x: f64| LEFT + (x.max(x_min).ln() - x_min.ln()) / span * (WIDTH - LEFT - RIGHT);
        let up = |y: f64| HEIGHT - BOTTOM - y / y_max * (HEIGHT - TOP - BOTTOM);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#808080\">\n"
        );
        let mut line = |text: String| {
            svg.push_str(&text);
            svg.push('\n');
        };
        line(format!("<text x=\"{LEFT}\" y=\"20\" font-size=\"15\">{}</text>", escaped(&self.title)));
        for step in 0..=4 {
            let value = y_max * f64::from(step) / 4.0;
            let y = up(value);
            line(format!("<path d=\"M{LEFT} {y:.1}H{:.1}\" stroke=\"#80808050\"/>", WIDTH - RIGHT));
            line(format!(
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                LEFT - 6.0,
                y + 4.0,
                short(value)
            ));
        }
        let mut marks: Vec<f64> = all().map(|(x, _)| x).collect();
        marks.sort_by(f64::total_cmp);
        marks.dedup();
        for x in marks {
            let at = across(x);
            line(format!(
                "<text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                HEIGHT - BOTTOM + 18.0,
                short(x)
            ));
        }
        let middle = f64::midpoint(LEFT, WIDTH - RIGHT);
        line(format!(
            "<text x=\"{middle}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            HEIGHT - 10.0,
            escaped(&self.x)
        ));
        line(format!("<text x=\"{LEFT}\" y=\"40\">{}</text>", escaped(&self.y)));
        for (index, (series, colour)) in self.series.iter().zip(COLOURS.iter().cycle()).enumerate() {
            let mut path = String::new();
            for (number, (x, y)) in series.points.iter().enumerate() {
                let _ =
                    write!(path, "{}{:.1} {:.1}", if number == 0 { 'M' } else { 'L' }, across(*x), up(*y));
                line(format!(
                    "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"{colour}\"/>",
                    across(*x),
                    up(*y)
                ));
            }
            line(format!("<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>"));
            #[expect(clippy::cast_precision_loss, reason = "there are few series")]
            let x = LEFT + 90.0 + 190.0 * index as f64;
            line(format!("<text x=\"{x}\" y=\"40\" fill=\"{colour}\">{}</text>", escaped(&series.name)));
        }
        line("</svg>".to_owned());
        svg
    }
}

/// A round number at or above.
fn ceiling(value: f64) -> f64 {
    let value = value.max(1e-9);
    let power = 10_f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 4.0, 6.0, 8.0, 10.0];
    steps.iter().map(|step| step * power).find(|round| *round >= value).unwrap_or(10.0 * power)
}

/// A number in few characters.
fn short(value: f64) -> String {
    let (value, unit) = match value {
        value if value >= 1e6 => (value / 1e6, "M"),
        value if value >= 1e3 => (value / 1e3, "k"),
        value => (value, ""),
    };
    let text = format!("{value:.2}");
    format!("{}{unit}", text.trim_end_matches('0').trim_end_matches('.'))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_axes_end_round() {
        let check = |value: f64, expected: &str| assert_eq!(short(value), expected);
        check(0.0, "0");
        check(0.25, "0.25");
        check(16.0, "16");
        check(10_000.0, "10k");
        check(2_500_000.0, "2.5M");
        assert!((ceiling(37.0) - 40.0).abs() < 1e-9 && (ceiling(101.0) - 200.0).abs() < 1e-9);
    }

    #[test]
    fn every_point_is_drawn() {
        let series = |name: &str| Series { name: name.to_owned(), points: vec![(1.0, 5.0), (512.0, 9.0)] };
        let (title, x, y) = ("a < b".to_owned(), "x".to_owned(), "y".to_owned());
        let svg = Curve { title, x, y, series: vec![series("p"), series("q")] }.svg();
        assert_eq!(svg.matches("<circle").count(), 4);
        assert!(svg.contains("a &lt; b") && svg.ends_with("</svg>\n"));
    }
}
