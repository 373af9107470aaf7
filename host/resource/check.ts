import { connectionProblems } from "../connection/arguments";
import { RULES, type Rule, isText } from "./grammar";
import { installsHostKeyProblems } from "./pins";
import { ROLE_FIELDS, isUnknown } from "./inputs";
import { isListenAddress } from "./ports";
import { QUESTIONS, questionProblems } from "./probes";

/** One broken rule: the engine prints property and reason. Values of secrets are never repeated. */
export interface CheckFailure {
  property: string;
  reason: string;
}

type Bag = Record<string, unknown>;

function namesIn(map: unknown): string[] {
  return typeof map === "object" && map !== null ? Object.keys(map) : [];
}

const FIELDS: Record<string, string[]> = {
  directory: ["owner", "group", "mode"],
  file: ["content", "secrets", "values", "owner", "group", "mode"],
  user: ["system", "home", "shell", "groups"],
  unit: ["enabled", "state", "reloadOn", "restartOn"],
  port: ["protocol", "port", "address"],
  check: ["command", "description"],
  probe: [...QUESTIONS, "command", "description", "timeoutSeconds", "required"],
  live: ["command"],
  packageSource: ["name", "uri", "suite", "components", "key", "fingerprint", "packages", "deb", "sha256"],
};

const BOOLEAN: Rule = { test: (value) => typeof value === "boolean", says: "must be true or false" };
const CONTENT: Rule = { test: isText, says: "must be text that UTF-8 can hold" };
const STATE: Rule = {
  test: (value) => value === "started" || value === "stopped",
  says: 'must be "started" or "stopped"',
};
const PROTOCOL: Rule = { test: (value) => value === "tcp" || value === "udp", says: 'must be "tcp" or "udp"' };
const PORT: Rule = {
  test: (value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 65535,
  says: "must be a whole number from 1 to 65535",
};
const LISTEN: Rule = {
  test: isListenAddress,
  says: "must be one IPv4 or IPv6 address; leave it out for every address",
};
const MACHINE: Rule = {
  test: (value) => isText(value) && value !== "" && value.length <= 200,
  says: "must be a short text",
};
const seconds = (least: number, most: number): Rule => ({
  test: (value) => Number.isInteger(value) && Number(value) >= least && Number(value) <= most,
  says: `must be a whole number of seconds from ${least} to ${most}`,
});

/** Checks every argument of a role against its grammar; what a preview does not know yet passes. */
export function checkRole(inputs: object): CheckFailure[] {
  return new RoleCheck(inputs as Bag).run();
}

class RoleCheck {
  private readonly failures: CheckFailure[] = [];
  private readonly managed = new Map<string, string>();

  constructor(private readonly inputs: Bag) {}

  run(): CheckFailure[] {
    const { inputs } = this;
    this.known(inputs, [...ROLE_FIELDS, "__provider"], "");
    for (const problem of connectionProblems(inputs.connection, "connection", isUnknown))
      this.fail(problem.path, problem.reason);
    this.must("role", inputs.role, RULES.role);
    this.may("machine", inputs.machine, MACHINE);
    this.list("packages", inputs.packages, RULES.package);
    this.entries("packageSources", RULES.package, (path, value, key) => this.packageSource(path, value, key));
    this.list("state", inputs.state, RULES.state);
    this.paths();
    this.entries("sysctls", RULES.sysctl, (path, value) => this.must(path, value, RULES.sysctlValue));
    this.entries("users", RULES.account, (path, value) => this.user(path, value));
    this.entries("units", RULES.unit, (path, value) => this.unit(path, value));
    this.each("ports", (path, value) => this.port(path, value));
    this.each("checks", (path, value) => this.command(path, value, "check", true));
    for (const field of ["probes", "beforeDelete"]) this.each(field, (path, value) => this.probe(path, value));
    this.entries("live", RULES.liveName, (path, value) => this.command(path, value, "live", false));
    this.confirm(inputs.confirm);
    this.lastWay(inputs.lastWay);
    for (const problem of installsHostKeyProblems(inputs)) this.fail(problem.path, problem.reason);
    return this.failures;
  }

  private fail(property: string, reason: string): void {
    this.failures.push({ property, reason: `${property} ${reason}` });
  }

  private must(path: string, value: unknown, rule: Rule): boolean {
    if (isUnknown(value) || rule.test(value)) return true;
    this.fail(path, value === undefined ? `is missing; it ${rule.says}` : rule.says);
    return false;
  }

  private may(path: string, value: unknown, rule: Rule): void {
    if (value !== undefined) this.must(path, value, rule);
  }

  private known(bag: Bag, fields: readonly string[], path: string): void {
    for (const field of Object.keys(bag).filter((name) => !fields.includes(name)))
      this.fail(
        path === "" ? field : `${path}.${field}`,
        `is no known argument here (${fields.filter((f) => f !== "__provider").join(", ")}); remove it`,
      );
  }

  private bag(path: string, value: unknown, kind: string): Bag | undefined {
    if (isUnknown(value)) return undefined;
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      this.fail(path, `must be an object (${FIELDS[kind]!.join(", ")})`);
      return undefined;
    }
    this.known(value as Bag, FIELDS[kind]!, path);
    return value as Bag;
  }

  private entries(field: string, keyRule: Rule, check: (path: string, value: unknown, key: string) => void): void {
    const value = this.inputs[field];
    if (value === undefined || isUnknown(value)) return;
    if (typeof value !== "object" || value === null || Array.isArray(value)) return this.fail(field, "must be a map");
    for (const [key, item] of Object.entries(value)) {
      const path = `${field}[${JSON.stringify(key)}]`;
      if (this.must(path, key, keyRule)) check(path, item, key);
    }
  }

  private each(field: string, check: (path: string, value: unknown) => void): void {
    const value = this.inputs[field];
    if (value === undefined || isUnknown(value)) return;
    if (!Array.isArray(value)) return this.fail(field, "must be a list");
    value.forEach((item, index) => check(`${field}[${index}]`, item));
  }

  private list(path: string, value: unknown, rule: Rule): void {
    if (value === undefined || isUnknown(value)) return;
    if (!Array.isArray(value)) return this.fail(path, "must be a list");
    value.forEach((item, index) => {
      this.must(`${path}[${index}]`, item, rule);
      if (value.indexOf(item) !== index) this.fail(`${path}[${index}]`, "is named twice; remove one");
    });
  }

  private paths(): void {
    this.entries("directories", RULES.path, (path, value, key) => {
      this.claim(path, key);
      const bag = this.bag(path, value, "directory");
      if (bag) this.ownership(path, bag);
    });
    this.entries("files", RULES.path, (path, value, key) => this.file(path, value, key));
    this.entries("links", RULES.path, (path, value, key) => {
      this.claim(path, key);
      this.must(path, value, RULES.linkTarget);
    });
    this.each("absent", (path, value) => {
      if (this.must(path, value, RULES.path) && typeof value === "string") this.claim(path, value);
    });
    for (const field of ["files", "links"])
      for (const file of Object.keys((this.inputs[field] as Bag | undefined) ?? {}))
        for (const [below, claimed] of this.managed)
          if (below.startsWith(`${file}/`))
            this.fail(
              claimed,
              `lies below ${file}, which is itself a managed ${field === "files" ? "file" : "link"}; move one of them`,
            );
  }

  private claim(path: string, key: string): void {
    const before = this.managed.get(key);
    if (before !== undefined) this.fail(path, `is managed twice in this role, also as ${before}; remove one`);
    else this.managed.set(key, path);
  }

  private ownership(path: string, bag: Bag): void {
    this.may(`${path}.owner`, bag.owner, RULES.account);
    this.may(`${path}.group`, bag.group, RULES.account);
    this.may(`${path}.mode`, bag.mode, RULES.mode);
  }

  private file(path: string, value: unknown, key: string): void {
    this.claim(path, key);
    const bag = this.bag(path, value, "file");
    if (!bag) return;
    this.ownership(path, bag);
    const contentOk = this.must(`${path}.content`, bag.content, CONTENT);
    this.placeholders(`${path}.secrets`, bag.secrets, contentOk ? bag.content : undefined);
    this.placeholders(`${path}.values`, bag.values, contentOk ? bag.content : undefined);
    for (const name of namesIn(bag.secrets).filter((name) => namesIn(bag.values).includes(name)))
      this.fail(`${path}.values.${name}`, "is given among the secrets too; give it in one of the two");
    if (namesIn(bag.secrets).length > 0 && typeof bag.mode === "string" && !/[0-7]{3}0$/.test(bag.mode))
      this.fail(
        `${path}.mode`,
        'opens a file with secrets to everybody on the host; end it with 0, such as "0600" or "0640"',
      );
  }

  private placeholders(path: string, map: unknown, content: unknown): void {
    if (map === undefined || isUnknown(map)) return;
    if (typeof map !== "object" || map === null || Array.isArray(map))
      return this.fail(path, "must be a map of placeholder names to values");
    for (const [name, value] of Object.entries(map)) {
      const at = `${path}.${name}`;
      if (!this.must(at, name, RULES.secretName)) continue;
      this.must(at, value, { test: (v) => isText(v) && v !== "", says: "must be a text that is not empty" });
      if (typeof content === "string" && !isUnknown(content) && !content.includes(`{{${name}}}`))
        this.fail(at, `has no placeholder {{${name}}} in the content; write it there or leave it out`);
    }
  }

  private user(path: string, value: unknown): void {
    const bag = this.bag(path, value, "user");
    if (!bag) return;
    if (path === 'users["root"]') this.fail(path, "must not be root; a role does not manage that account");
    this.may(`${path}.system`, bag.system, BOOLEAN);
    this.may(`${path}.home`, bag.home, RULES.home);
    this.may(`${path}.shell`, bag.shell, RULES.home);
    this.list(`${path}.groups`, bag.groups, RULES.account);
  }

  private packageSource(path: string, value: unknown, name: string): void {
    const bag = this.bag(path, value, "packageSource");
    if (!bag) return;
    const packages = this.inputs.packages;
    if (!isUnknown(packages) && !(Array.isArray(packages) && packages.includes(name)))
      this.fail(path, `names ${name}, which is none of this role's packages; add it to packages or remove it here`);
    const rules: Record<string, Rule> =
      bag.deb === undefined
        ? {
            name: RULES.description,
            uri: RULES.fetchUrl,
            suite: RULES.suite,
            key: RULES.fetchUrl,
            fingerprint: RULES.fingerprint,
          }
        : { deb: RULES.fetchUrl, sha256: RULES.sha256 };
    for (const [field, rule] of Object.entries(rules)) this.must(`${path}.${field}`, bag[field], rule);
    const lists = { components: RULES.suite, packages: RULES.package };
    for (const [field, rule] of Object.entries(bag.deb === undefined ? lists : {})) {
      if (Array.isArray(bag[field]) && bag[field].length > 0) this.list(`${path}.${field}`, bag[field], rule);
      else if (!isUnknown(bag[field])) this.fail(`${path}.${field}`, "must be a list that is not empty");
    }
    if (bag.deb === undefined && Array.isArray(bag.packages) && !bag.packages.includes(name))
      this.fail(`${path}.packages`, `must name ${name} itself`);
    for (const field of Object.keys(bag).filter((key) => !(key in rules) && (bag.deb !== undefined || !(key in lists))))
      if (FIELDS["packageSource"]!.includes(field))
        this.fail(`${path}.${field}`, "does not go with the others: give a repository, or deb and sha256");
  }

  private unit(path: string, value: unknown): void {
    const bag = this.bag(path, value, "unit");
    if (!bag) return;
    this.may(`${path}.enabled`, bag.enabled, BOOLEAN);
    this.may(`${path}.state`, bag.state, STATE);
    for (const field of ["reloadOn", "restartOn"]) {
      this.list(`${path}.${field}`, bag[field], RULES.path);
      if (!Array.isArray(bag[field])) continue;
      (bag[field] as unknown[]).forEach((trigger, index) => {
        if (typeof trigger === "string" && !isUnknown(trigger) && !this.managed.has(trigger))
          this.fail(
            `${path}.${field}[${index}]`,
            `names ${trigger}, which this role does not manage; add it to files or remove it here`,
          );
      });
    }
  }

  private port(path: string, value: unknown): void {
    const bag = this.bag(path, value, "port");
    if (!bag) return;
    this.must(`${path}.protocol`, bag.protocol, PROTOCOL);
    this.must(`${path}.port`, bag.port, PORT);
    this.may(`${path}.address`, bag.address, LISTEN);
  }

  private command(path: string, value: unknown, kind: string, mayStage: boolean): void {
    const bag = this.bag(path, value, kind);
    if (!bag) return;
    this.may(`${path}.description`, bag.description, RULES.description);
    if (isUnknown(bag.command)) return;
    if (!Array.isArray(bag.command) || bag.command.length === 0)
      return this.fail(`${path}.command`, "must be a list of words: the program and its arguments");
    this.must(`${path}.command[0]`, bag.command[0], RULES.program);
    bag.command.slice(1).forEach((word: unknown, index) => {
      const at = `${path}.command[${index + 1}]`;
      if (typeof word !== "object" || word === null) return void this.must(at, word, RULES.word);
      const staged = (word as Bag).staged;
      if (!mayStage) return this.fail(at, "must be text; only a check sees staged files");
      if (Object.keys(word).length !== 1 || typeof staged !== "string")
        return this.fail(at, "must be text or {staged: path}");
      if (!isUnknown(staged) && !Object.hasOwn((this.inputs.files as Bag | undefined) ?? {}, staged))
        this.fail(at, `names ${staged}, which is no file of this role; add it to files`);
    });
  }

  private probe(path: string, value: unknown): void {
    const bag = this.bag(path, value, "probe");
    if (!bag) return;
    this.may(`${path}.timeoutSeconds`, bag.timeoutSeconds, seconds(1, 600));
    this.may(`${path}.required`, bag.required, BOOLEAN);
    const asked = ["command", ...QUESTIONS].filter((kind) => bag[kind] !== undefined);
    if (asked.length !== 1)
      return this.fail(path, `must have one of command, ${QUESTIONS.join(", ")}${asked.length > 1 ? " alone" : ""}`);
    const kind = QUESTIONS.find((name) => name === asked[0]);
    if (kind === undefined) return this.command(path, value, "probe", false);
    this.may(`${path}.description`, bag.description, RULES.description);
    for (const problem of questionProblems(kind, bag[kind])) this.fail(`${path}.${problem.path}`, problem.reason);
  }

  private lastWay(value: unknown): void {
    if (value === undefined || typeof value === "boolean" || isUnknown(value)) return;
    if (typeof value !== "object" || value === null)
      return this.fail("lastWay", "must be true, false or {interface, unless}");
    const fields = ["interface", "unless"];
    this.known(value as Bag, fields, "lastWay");
    for (const field of fields) this.must(`lastWay.${field}`, (value as Bag)[field], RULES.interface);
  }

  private confirm(value: unknown): void {
    if (value === undefined || typeof value === "boolean" || isUnknown(value)) return;
    if (typeof value !== "object" || value === null)
      return this.fail("confirm", "must be true, false or {timeoutSeconds}");
    this.known(value as Bag, ["timeoutSeconds"], "confirm");
    this.must("confirm.timeoutSeconds", (value as Bag).timeoutSeconds, seconds(15, 3600));
  }
}
