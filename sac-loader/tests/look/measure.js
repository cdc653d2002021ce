// What can be seen of a report. The test runs it in the page; the page itself has no script.
(() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const root = document.documentElement;
  const style = (element) => getComputedStyle(element);
  const size = (element) => {
    const { width, height } = element?.getBoundingClientRect() ?? { width: 0, height: 0 };
    return element?.checkVisibility({ opacityProperty: true, visibilityProperty: true }) ? [width, height] : [0, 0];
  };
  const name = (element) => `${element.outerHTML.slice(0, 100)} in ${element.closest("section")?.getAttribute("aria-labelledby")}`;
  const section = (id) => document.getElementById(id)?.closest("section");
  const colours = (selector, property) => [...new Set(all(selector).map((element) => style(element)[property]))];

  // Whatever goes over the right edge of the window, unless a box within it scrolls.
  const scrolls = (element) => element && (style(element).overflowX === "auto" || scrolls(element.parentElement));
  const wide = all("body *").filter((element) => element.getBoundingClientRect().right > root.clientWidth + 1 && !scrolls(element.parentElement));

  // And whatever has to be moved to be seen.
  const moved = all("body *").filter((element) => style(element).overflowX === "auto" && element.scrollWidth > element.clientWidth + 1);

  // Contrast as WCAG 2 has it.
  const channels = (colour) => colour.match(/[\d.]+/g).map(Number);
  const light = (colour) => {
    const [red, green, blue] = channels(colour).map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const behind = (element) => {
    if (!element) return "rgb(255, 255, 255)";
    const colour = style(element).backgroundColor;
    return (channels(colour)[3] ?? 1) === 1 ? colour : behind(element.parentElement);
  };
  const contrast = (element) => {
    const [one, other] = [element.closest("svg") ? style(element).fill : style(element).color, behind(element)].map(light);
    return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  };
  const written = all("body *").filter((element) => {
    const has_text = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
    return has_text && !["title", "desc"].includes(element.tagName) && size(element)[0] > 0;
  });

  return {
    window: root.clientWidth,
    page: root.scrollWidth,
    wide: wide.concat(moved).map(name),
    parts: Object.fromEntries(["totals", "timeline", "blocked", "sessions", "policies", "session-0", "verification"].map((id) => [id, size(section(id))])),
    marks: all("#timeline ~ figure svg path").map(size),
    rows: all(".tree tbody tr").map(size),
    blocked: all("tr.blocked").length,
    red: {
      command: colours("tr.blocked code", "color"),
      word: colours("tr.blocked strong, tr.blocked .tag", "color"),
      mark: colours("svg path.blocked", "fill"),
      total: colours(".tile.blocked dd", "color"),
      verdict: colours(".notice.blocked", "color"),
    },
    paper: { blocked: colours("tr.blocked", "backgroundColor"), other: colours("tr:not(.blocked, .would)", "backgroundColor") },
    plain: colours(".tree tr:not([class]) code", "color"),
    pale: written.filter((element) => contrast(element) < 4.5).map((element) => `${contrast(element).toFixed(2)} ${name(element)}`),
    text: document.body.innerText,
    elements: all("*").length,
  };
})()
