package bench

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
)

// line is a series of points, in the order of x.
type line struct {
	label, colour string
	points        []xy
}

type xy struct{ x, y float64 }

// charted are the series of the chart, where they were measured.
var charted = []struct {
	series, label, colour string
	keys                  int
}{
	{"keys", "Adze, 10,000 keys", "#2a9d8f", 10_000},
	{"keys", "Adze, 1 key", "#8ecae6", 1},
	{"keys-classic", "SQL, window, 10,000 keys", "#f4845f", 10_000},
	{"classic-fair", "SQL, window function", "#d1495b", classicKeys},
	{"classic-plain", "SQL, no fairness", "#8d96a3", classicKeys},
}

// lines are the time of a task by the depth of its queue.
func (r Report) lines() (lines []line) {
	for _, c := range charted {
		l := line{label: c.label, colour: c.colour}
		for _, mode := range r.modes() {
			queued, _ := r.find(mode, "queued")
			if us, ok := r.find(mode, "us_per_task"); ok && mode == (point{c.keys, int(queued)}).mode(c.series) {
				l.points = append(l.points, xy{queued, us})
			}
		}
		if len(l.points) > 0 {
			slices.SortFunc(l.points, func(a, b xy) int { return cmp.Compare(a.x, b.x) })
			lines = append(lines, l)
		}
	}
	return lines
}

// WriteChart draws the time of a task by the depth of its queue, as an SVG that suits
// light and dark pages.
func (r Report) WriteChart(path string) error {
	lines := r.lines()
	if len(lines) == 0 {
		return errors.New("draw chart: it shows the modes keys and classic, and neither was measured")
	}
	if err := os.WriteFile(path, []byte(newCanvas(lines).draw(lines)), 0o644); err != nil {
		return fmt.Errorf("write chart: %w", err)
	}
	return nil
}

// Pixels of the chart, and of the plot in it.
const (
	chartWidth, chartHeight = 760, 420
	plotLeft, plotRight     = 70, 540 // right of it are the labels of the lines
	plotTop, plotBottom     = 50, 360
	labelGap                = 16 // between two labels, at least
)

const chartHead = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="system-ui, sans-serif" font-size="13">
<style>
text { fill: #24292f } .quiet { fill: #57606a } .grid { stroke: #d0d7de } .line { fill: none; stroke-width: 2.5 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .quiet { fill: #9198a1 } .grid { stroke: #3d444d } }
</style>
<title>%s</title>
<text x="%d" y="24" font-size="16" font-weight="600">%s</text>
`

// canvas places numbers on logarithmic axes, each from one power of ten to another.
type canvas struct {
	strings.Builder
	left, right, bottom, top float64 // powers of ten
}

func newCanvas(lines []line) *canvas {
	c := &canvas{left: math.Inf(1), right: math.Inf(-1), bottom: math.Inf(1), top: math.Inf(-1)}
	for _, l := range lines {
		for _, p := range l.points {
			x, y := math.Log10(p.x), math.Log10(p.y)
			c.left, c.right = min(c.left, math.Floor(x)), max(c.right, math.Ceil(x))
			c.bottom, c.top = min(c.bottom, math.Floor(y)), max(c.top, math.Ceil(y))
		}
	}
	c.right, c.top = max(c.right, c.left+1), max(c.top, c.bottom+1)
	return c
}

func (c *canvas) x(v float64) float64 {
	return plotLeft + (math.Log10(v)-c.left)/(c.right-c.left)*(plotRight-plotLeft)
}

func (c *canvas) y(v float64) float64 {
	return plotBottom - (math.Log10(v)-c.bottom)/(c.top-c.bottom)*(plotBottom-plotTop)
}

func (c *canvas) add(format string, args ...any) { fmt.Fprintf(c, format, args...) }

func (c *canvas) draw(lines []line) string {
	const title = "Microseconds to take and complete a task, by tasks queued"
	c.add(chartHead, chartWidth, chartHeight, title, plotLeft, title)
	c.grid()
	for _, l := range lines {
		c.line(l)
	}
	c.labels(lines)
	c.add("</svg>\n")
	return c.String()
}

// grid draws a line for each power of ten.
func (c *canvas) grid() {
	for power := c.bottom; power <= c.top; power++ {
		v := math.Pow(10, power)
		c.add("<path class=\"grid\" d=\"M%d %.1fH%d\"/>\n", plotLeft, c.y(v), plotRight)
		c.add("<text class=\"quiet\" x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", plotLeft-8, c.y(v)+4, digits(v))
	}
	for power := c.left; power <= c.right; power++ {
		v := math.Pow(10, power)
		c.add("<path class=\"grid\" d=\"M%.1f %dV%d\"/>\n", c.x(v), plotTop, plotBottom)
		c.add("<text class=\"quiet\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n", c.x(v), plotBottom+20, digits(v))
	}
	c.add("<text class=\"quiet\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">tasks queued</text>\n", (plotLeft+plotRight)/2, plotBottom+44)
}

func (c *canvas) line(l line) {
	c.add("<polyline class=\"line\" stroke=\"%s\" points=\"", l.colour)
	for _, p := range l.points {
		c.add("%.1f,%.1f ", c.x(p.x), c.y(p.y))
	}
	c.add("\"/>\n")
	for _, p := range l.points {
		c.add("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" fill=\"%s\"/>\n", c.x(p.x), c.y(p.y), l.colour)
	}
}

// labels stand at the ends of the lines, from above, none over another.
func (c *canvas) labels(lines []line) {
	lines = slices.Clone(lines)
	end := func(l line) xy { return l.points[len(l.points)-1] }
	slices.SortFunc(lines, func(a, b line) int { return cmp.Compare(end(b).y, end(a).y) })
	at := math.Inf(-1)
	for _, l := range lines {
		at = max(at+labelGap, c.y(end(l).y)+4)
		c.add("<text x=\"%d\" y=\"%.1f\" style=\"fill:%s\">%s: %s µs</text>\n", plotRight+12, at, l.colour, l.label, digits(end(l).y))
	}
}

// digits is a number with two significant digits at most, and commas.
func digits(v float64) string {
	if v < 10 {
		return fmt.Sprintf("%.2g", v)
	}
	unit := math.Pow(10, math.Floor(math.Log10(v))-1)
	text := fmt.Sprintf("%.0f", math.Round(v/unit)*unit)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}
