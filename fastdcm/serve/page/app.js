// What the page shows, by the part of its address behind "#": studies, the series of one, a series.

import { address, date, search, text, values } from "./dicomweb.js";
import { element } from "./elements.js";
import { Viewer } from "./viewer.js";

const PAGE = 100; // studies at a time
const main = document.getElementById("main");
const trail = document.getElementById("trail");
let viewer = null;
let asked = new AbortController();

const tell = (words) => {
  document.getElementById("status").textContent = words;
};

async function route() {
  asked.abort();
  asked = new AbortController();
  viewer?.end();
  viewer = null;
  tell("");
  const [study, series] = location.hash.replace(/^#\/?/, "").split("/").filter(Boolean);
  try {
    if (series) await showSeries(study, series);
    else if (study) await showStudy(study);
    else await showStudies("", 0);
  } catch (error) {
    if (error.name === "AbortError") return;
    main.replaceChildren(element("p", { className: "alarm" }, error.message));
  }
}

function studyWords(study) {
  return [text(study, "00100010") || text(study, "00100020") || "no name", date(study, "00080020")];
}

async function showStudies(name, offset) {
  trail.textContent = "Studies";
  const query = { limit: PAGE, offset, includefield: ["00081030"] };
  if (name) query.PatientName = `*${name}*`;
  const studies = await search("studies", query, asked.signal);
  const input = element("input", { type: "search", placeholder: "Patient's name", value: name });
  input.setAttribute("aria-label", "Patient's name");
  const form = element("form", { className: "search" }, input, element("button", {}, "Search"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    showStudies(input.value.trim(), 0).catch((error) => tell(error.message));
  });
  const rows = studies.map((study) => {
    const uid = text(study, "0020000D");
    const [who, when] = studyWords(study);
    const link = element("a", { href: `#/${uid}` }, who);
    const row = element("tr", {});
    row.append(element("td", {}, link), element("td", {}, text(study, "00100020")));
    row.append(element("td", { className: "when" }, when));
    for (const cell of [values(study, "00080061").join(", "), text(study, "00081030")]) {
      row.append(element("td", {}, cell));
    }
    for (const tag of ["00201206", "00201208"]) {
      row.append(element("td", { className: "number" }, text(study, tag)));
    }
    return row;
  });
  const head = element("tr", {});
  for (const title of ["Patient", "ID", "Date", "Modalities", "Description"]) {
    head.append(element("th", { scope: "col" }, title));
  }
  for (const title of ["Series", "Images"]) {
    head.append(element("th", { scope: "col", className: "number" }, title));
  }
  const parts = [form];
  if (rows.length) {
    const table = element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows));
    parts.push(element("div", { className: "wide" }, table));
  } else {
    parts.push(element("p", { className: "quiet" }, name ? "No such patient." : "No study is there."));
  }
  const turn = (words, to) => {
    const button = element("button", { type: "button" }, words);
    button.addEventListener("click", () => showStudies(name, to).catch((error) => tell(error.message)));
    return button;
  };
  const pages = element("p", { className: "search" });
  if (offset) pages.append(turn("Back", Math.max(0, offset - PAGE)));
  if (rows.length === PAGE) pages.append(turn("More", offset + PAGE));
  main.replaceChildren(...parts, pages);
  if (name) input.focus();
}

async function showStudy(uid) {
  const [[study], series] = await Promise.all([
    search("studies", { StudyInstanceUID: uid }, asked.signal),
    search(`studies/${uid}/series`, { includefield: ["0008103E", "00200011"] }, asked.signal),
  ]);
  if (!study) throw new Error("There is no such study.");
  trail.replaceChildren(studyWords(study).filter(Boolean).join(" · "));
  series.sort((a, b) => Number(text(a, "00200011")) - Number(text(b, "00200011")));
  const cards = series.map((one) => {
    const film = element("div", { className: "film" });
    const count = text(one, "00201209");
    const title = [text(one, "00080060"), text(one, "0008103E")].filter(Boolean).join(" · ");
    const words = element(
      "div",
      { className: "words" },
      element("div", {}, title || "Series"),
      element("div", { className: "quiet" }, count === "1" ? "1 object" : `${count} objects`),
    );
    const link = element("a", { href: `#/${uid}/${text(one, "0020000E")}` }, film, words);
    fill(film, `studies/${uid}/series/${text(one, "0020000E")}/thumbnail?viewport=256,256`);
    return element("li", {}, link);
  });
  main.replaceChildren(element("ul", { className: "cards" }, ...cards));
}

async function fill(film, path) {
  try {
    const image = element("img", { alt: "", src: await address(path, asked.signal) });
    image.addEventListener("load", () => URL.revokeObjectURL(image.src), { once: true });
    film.replaceChildren(image);
  } catch (error) {
    if (error.name !== "AbortError") film.textContent = error.status === 406 ? "no image" : "no preview";
  }
}

async function showSeries(study, uid) {
  const [[about], [one]] = await Promise.all([
    search("studies", { StudyInstanceUID: study }, asked.signal),
    search(`studies/${study}/series`, { SeriesInstanceUID: uid, includefield: ["0008103E"] }, asked.signal),
  ]);
  if (!about || !one) throw new Error("There is no such series.");
  const up = element("a", { href: `#/${study}` }, studyWords(about).filter(Boolean).join(" · "));
  const title = [text(one, "00080060"), text(one, "0008103E")].filter(Boolean).join(" · ");
  trail.replaceChildren(up, ` / ${title || "Series"}`);
  viewer = new Viewer(`studies/${study}/series/${uid}`, {
    modality: text(one, "00080060"),
    back: () => {
      location.hash = `#/${study}`;
    },
    tell,
  });
  main.replaceChildren(viewer.build());
  await viewer.start();
}

const root = document.documentElement;
const theme = localStorage.getItem("fastdcm-theme");
if (theme) root.dataset.theme = theme;
document.getElementById("theme").addEventListener("click", () => {
  const dark = root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("fastdcm-theme", root.dataset.theme);
});
addEventListener("hashchange", route);
route();
