/** What the benchmark says: medians, ratios, tables, a picture. Pure. */
import { TITLES, type ToolName } from "./tools";

/** One scenario with one tool and so many hosts. */
export interface Measurement {
  hosts: number;
  scenario: string;
  tool: ToolName;
  /** Wall clock of each round. */
  seconds: number[];
  /**
   * For each host: logins that sshd accepted, and round trips on the wire; in MiB: peak of all processes. From a run
   * that was not timed.
   */
  logins?: number;
  roundTrips?: number;
  memory?: number;
}

/** Everything that was measured. */
export interface Results {
  when: string;
  machine: string;
  rounds: number;
  /** This library had one role for each host, and not one for each service. */
  whole: boolean;
  measurements: Measurement[];
}

/** The middle value; of an even number of values the mean of the middle two. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError("no values");
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

const PEERS: ToolName[] = ["ansible", "pyinfra"];

/**
 * How many times as long the faster peer takes as `tool` does, by medians; undefined where one of them was not
 * measured.
 */
export function ratio(
  measurements: Measurement[],
  hosts: number,
  scenario: string,
  tool: ToolName,
): number | undefined {
  const time = (name: ToolName) => {
    const found = measurements.find((m) => m.hosts === hosts && m.scenario === scenario && m.tool === name);
    return found && found.seconds.length > 0 ? median(found.seconds) : undefined;
  };
  const peers = PEERS.map(time).filter((value) => value !== undefined);
  const own = time(tool);
  return own === undefined || peers.length === 0 ? undefined : Math.min(...peers) / own;
}

/** Seconds that each further host costs: between the fewest and the most hosts; undefined with one size alone. */
export function perHost(measurements: Measurement[], scenario: string, tool: ToolName): number | undefined {
  const found = measurements
    .filter((m) => m.scenario === scenario && m.tool === tool && m.seconds.length > 0)
    .sort((a, b) => a.hosts - b.hosts);
  const [first, last] = [found[0], found.at(-1)];
  if (!first || !last || first.hosts === last.hosts) return undefined;
  return (median(last.seconds) - median(first.seconds)) / (last.hosts - first.hosts);
}

/** Tables for a terminal, which are Markdown as well: one a scenario, and what each further host costs. */
export function tables(results: Results): string {
  const { measurements } = results;
  const scenarios = [...new Set(measurements.map(({ scenario }) => scenario))];
  const parts = scenarios.map((scenario) => {
    const rows = measurements
      .filter((m) => m.scenario === scenario)
      .sort((a, b) => a.hosts - b.hosts)
      .map((m) => {
        const quotient = PEERS.includes(m.tool) ? undefined : ratio(measurements, m.hosts, scenario, m.tool);
        const spread = `${Math.min(...m.seconds).toFixed(1)} to ${Math.max(...m.seconds).toFixed(1)}`;
        return [
          String(m.hosts),
          TITLES[m.tool],
          median(m.seconds).toFixed(2),
          spread,
          quotient === undefined ? "" : `${quotient.toFixed(2)} times as fast`,
          m.logins?.toFixed(1) ?? "",
          m.roundTrips?.toFixed(0) ?? "",
          m.memory?.toFixed(0) ?? "",
        ];
      });
    return `${scenario}\n\n${table(["hosts", "tool", "median s", "range", "than the faster peer", "logins a host", "round trips a host", "peak MiB"], rows)}`;
  });
  const tools = [...new Set(measurements.map(({ tool }) => tool))];
  const growth = scenarios.map((scenario) => [
    scenario,
    ...tools.map((tool) => {
      const cost = perHost(measurements, scenario, tool);
      return cost === undefined ? "" : (cost * 1000).toFixed(0);
    }),
  ]);
  parts.push(`each further host, in ms\n\n${table(["scenario", ...tools.map((tool) => TITLES[tool])], growth)}`);
  return parts.join("\n\n") + "\n";
}

/** A Markdown table whose columns line up in a terminal. */
export function table(head: string[], rows: string[][]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)));
  const line = (cells: string[]) => `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`;
  return [line(head), `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`, ...rows.map(line)].join("\n");
}

const COLOURS: Record<ToolName, string> = {
  ours: "#5b3df5",
  "ours-one-pass": "#7d65f8",
  "ours-trusting": "#a594fb",
  ansible: "#c0392b",
  pyinfra: "#e08e0b",
};

/** Bars of the medians for the most hosts, as SVG. */
export function picture({ measurements }: Results): string {
  const most = Math.max(...measurements.map(({ hosts }) => hosts));
  const shown = measurements.filter(({ hosts }) => hosts === most);
  const longest = Math.max(...shown.map(({ seconds }) => median(seconds)));
  const scenarios = [...new Set(shown.map(({ scenario }) => scenario))];
  const parts: string[] = [];
  let y = 34;
  for (const scenario of scenarios) {
    parts.push(text(12, y, scenario, "bold"));
    y += 8;
    for (const m of shown.filter((one) => one.scenario === scenario)) {
      const width = Math.max(2, (median(m.seconds) / longest) * 400);
      parts.push(text(12, y + 14, TITLES[m.tool]));
      parts.push(
        `<rect x="170" y="${y + 3}" width="${width.toFixed(1)}" height="14" rx="2" fill="${COLOURS[m.tool]}"/>`,
      );
      parts.push(text(176 + width, y + 14, `${median(m.seconds).toFixed(1)} s`));
      y += 20;
    }
    y += 24;
  }
  const title = text(12, 16, `${most} hosts, 17 things each: seconds, less is better`);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 ${y}" font-family="sans-serif" font-size="12"><rect width="640" height="${y}" fill="#fff"/>${title}${parts.join("")}</svg>\n`;
}

function text(x: number, y: number, words: string, weight = "normal"): string {
  const safe = words.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${x.toFixed(0)}" y="${y}" font-weight="${weight}">${safe}</text>`;
}
