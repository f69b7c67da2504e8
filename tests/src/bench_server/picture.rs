//! The curves, as SVG that can be read on light and on dark paper.

use std::path::Path;

use plotters::prelude::*;

use super::Figures;

/// A curve: its name, and its points.
type Curve = (&'static str, Vec<(f64, f64)>);

/// One picture.
struct Chart {
    across: &'static str,
    up: &'static str,
    curves: Vec<Curve>,
    /// Across goes by factors of this, rather than by steps, if there is one.
    factor: Option<f64>,
    /// Whether up goes by factors.
    by_factors: bool,
}

/// Told apart without red and green, and by name beside the curves; each reads on white and on black.
const COLORS: [RGBColor; 5] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(140, 140, 140),
];

/// Text and lines take the colour of the reader's paper into account.
const STYLE: &str = "<style>text{fill:#24292f}.frame{stroke:#8c959f}\
    @media(prefers-color-scheme:dark){text{fill:#e6edf3}}</style>";

/// Draws all of them into that folder, if they were measured.
pub(super) fn draw(figures: &Figures, folder: &Path) {
    if figures.by_connections.is_empty() {
        return;
    }
    std::fs::create_dir_all(folder).unwrap();
    let charts = [
        ("connections.svg", by_connections(figures)),
        ("load.svg", by_load(figures)),
        ("stored.svg", by_stored(figures)),
    ];
    for (name, chart) in charts {
        std::fs::write(folder.join(name), chart.svg()).unwrap();
    }
}

fn by_connections(figures: &Figures) -> Chart {
    let curve = |figure: fn(&super::figures::ByConnections) -> f64| {
        let all = figures.by_connections.iter();
        all.map(|at| (f64::from(at.connections), figure(at))).collect()
    };
    Chart {
        across: "connections",
        up: "answers in a second",
        curves: vec![
            ("decisions", curve(|at| at.ours)),
            ("one transaction for each", curve(|at| at.single)),
            ("signed, not kept", curve(|at| at.bare)),
            ("checks", curve(|at| at.checks)),
            ("a constant", curve(|at| at.constant)),
        ],
        factor: Some(2.0),
        by_factors: false,
    }
}

fn by_load(figures: &Figures) -> Chart {
    let curve = |figure: fn(&super::figures::ByLoad) -> f64| {
        figures.by_load.iter().map(|at| (at.share * 100.0, figure(at))).collect()
    };
    Chart {
        across: "load, in percent of what can be answered",
        up: "milliseconds",
        curves: vec![
            ("decisions, p99.9", curve(|at| at.decisions.p999)),
            ("decisions, p99", curve(|at| at.decisions.p99)),
            ("decisions, p50", curve(|at| at.decisions.p50)),
            ("checks, p99", curve(|at| at.checks.p99)),
            ("checks, p50", curve(|at| at.checks.p50)),
        ],
        factor: None,
        by_factors: true,
    }
}

fn by_stored(figures: &Figures) -> Chart {
    #[expect(clippy::cast_precision_loss, reason = "a picture is less precise")]
    let curve = |figure: fn(&super::figures::ByStored) -> f64| {
        figures.by_stored.iter().map(|at| (at.stored as f64, figure(at))).collect()
    };
    Chart {
        across: "receipts stored",
        up: "answers in a second",
        curves: vec![("decisions", curve(|at| at.decisions)), ("checks", curve(|at| at.checks))],
        factor: Some(10.0),
        by_factors: false,
    }
}

impl Chart {
    fn svg(&self) -> String {
        let mut svg = String::new();
        self.draw(&mut svg).expect("drawing into a text does not fail");
        // The colours that were drawn with stand for those of the paper.
        let start = svg.find('>').map_or(0, |end| end + 1);
        svg.insert_str(start, STYLE);
        svg.replace("fill=\"#000000\"", "").replace("stroke=\"#000000\"", "class=\"frame\"")
    }

    fn draw(&self, svg: &mut String) -> Result<(), Box<dyn std::error::Error>> {
        let points = || self.curves.iter().flat_map(|(_, points)| points.iter().copied());
        let least = |all: &mut dyn Iterator<Item = f64>| all.fold(f64::INFINITY, f64::min);
        let most = |all: &mut dyn Iterator<Item = f64>| all.fold(0.0, f64::max);
        let (left, right) =
            (least(&mut points().map(|(x, _)| x)), most(&mut points().map(|(x, _)| x)));
        let (low, high) =
            (least(&mut points().map(|(_, y)| y)), most(&mut points().map(|(_, y)| y)));
        // Factors become steps by their logarithms, so that there is one kind of axis.
        let (by_x, by_y) = (self.factor, self.by_factors.then_some(10.0));
        let to = |by: Option<f64>, value: f64| by.map_or(value, |factor| value.log(factor));
        let back = |by: Option<f64>, value: f64| by.map_or(value, |factor| factor.powf(value));
        let x = to(by_x, left)..to(by_x, right * if by_x.is_some() { 1.1 } else { 1.02 });
        // Above the curves there is room for their names.
        let y = if by_y.is_some() {
            to(by_y, low * 0.8)..to(by_y, high * 12.0)
        } else {
            0.0..high * 1.45
        };
        let (x_start, x_end) = (x.start, x.end);
        let area = SVGBackend::with_string(svg, (760, 420)).into_drawing_area();
        let mut chart = ChartBuilder::on(&area)
            .margin(12)
            .x_label_area_size(44)
            .y_label_area_size(64)
            .build_cartesian_2d(x, y)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            // Whole factors only: no more of them than there are.
            .x_labels(by_x.map_or(10, |_| 10.min(1 + whole(x_end - x_start))))
            .light_line_style(TRANSPARENT)
            .bold_line_style(RGBColor(140, 149, 159).mix(0.35))
            .x_desc(self.across)
            .y_desc(self.up)
            .label_style(("sans-serif", 14))
            .x_label_formatter(&|x| label(back(by_x, *x)))
            .y_label_formatter(&|y| label(back(by_y, *y)))
            .draw()?;
        for ((name, points), color) in self.curves.iter().zip(COLORS) {
            let points: Vec<_> = points.iter().map(|(x, y)| (to(by_x, *x), to(by_y, *y))).collect();
            chart
                .draw_series(LineSeries::new(points.clone(), color.stroke_width(2)))?
                .label(*name)
                .legend(move |(x, y)| {
                    PathElement::new([(x, y), (x + 18, y)], color.stroke_width(2))
                });
            chart.draw_series(points.iter().map(|point| Circle::new(*point, 3, color.filled())))?;
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .label_font(("sans-serif", 14))
            .draw()?;
        area.present()?;
        Ok(())
    }
}

/// The whole part of a small number.
fn whole(number: f64) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an axis is short, and begins at its left end"
    )]
    let whole = number as usize;
    whole
}

/// A number on an axis: short.
fn label(value: f64) -> String {
    match value {
        value if value >= 1e6 => format!("{:.3} M", value / 1e6).replace(".000", ""),
        value if value >= 1e3 => format!("{:.1} k", value / 1e3).replace(".0", ""),
        value if value >= 10.0 || value.fract() < 1e-6 => format!("{value:.0}"),
        value if value > 0.0 => format!("{value:.1}"),
        _ => "0".into(),
    }
}
