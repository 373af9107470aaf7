import { say } from "../process";
import type { CheckFailure } from "../resource/check";
import { clean, isUnknown } from "../resource/inputs";

/** Inputs of a key resource: the version, which is the only thing that changes a key, and what is said of a change. */
export interface KeyInputs {
  keyVersion: number;
  notice?: string;
  fixed?: string;
  __provider?: string;
}

/**
 * State of a shared secret: the one before it is kept, for whoever still uses it. The first one is its own: what is not
 * there yet is unknown in a preview.
 */
export interface SharedSecretOutputs extends KeyInputs {
  value: string;
  previous: string;
  previousVersion: number;
}

/** Checks the version: a whole number from 1. */
export function checkKeyVersion(news: object): { inputs: object; failures: CheckFailure[] } {
  const { keyVersion } = news as Partial<KeyInputs>;
  const ok = isUnknown(keyVersion) || (Number.isInteger(keyVersion) && Number(keyVersion) >= 1);
  const reason = "keyVersion must be a whole number from 1; raise it by one to have a new key made";
  return { inputs: news, failures: ok ? [] : [{ property: "keyVersion", reason }] };
}

/** Whether both versions are known and differ. */
function isChange(olds: object | undefined, news: object): boolean {
  const [before, after] = [
    (olds as Partial<KeyInputs> | undefined)?.keyVersion,
    (news as Partial<KeyInputs>).keyVersion,
  ];
  return before !== undefined && !isUnknown(before) && !isUnknown(after) && before !== after;
}

/** A key changes when its version does, in place: what depends on it is updated and not replaced. */
export function diffKeyVersion(olds: object, news: object): { changes: boolean } {
  return { changes: (olds as KeyInputs).keyVersion !== (news as KeyInputs).keyVersion };
}

/** A key pair as text. */
export interface KeyPair {
  publicKey: string;
  privateKey: string;
}

/** The dynamic provider of a kind of key: `make` makes one, and only a new version calls it again. */
export class KeyProvider {
  /** `log` takes what a person should know; it goes to the provider's stderr, which the engine shows. */
  constructor(
    private readonly kind: string,
    protected readonly make: () => object,
    private readonly log: (line: string) => void = say,
  ) {}

  async check(olds: object | undefined, news: object) {
    const { inputs, failures } = checkKeyVersion(news);
    const { notice, fixed } = news as KeyInputs;
    if (failures.length === 0 && isChange(olds, news)) {
      if (fixed !== undefined) failures.push({ property: "keyVersion", reason: fixed });
      else if (notice !== undefined) this.log(notice);
    }
    return { inputs: clean(inputs), failures };
  }

  async diff(_id: string, olds: object, news: object) {
    return diffKeyVersion(olds, news);
  }

  async create(inputs: KeyInputs): Promise<{ id: string; outs: object }> {
    const key = this.make();
    // The id is forever, so it is no key's fingerprint.
    return { id: `${this.kind}-${Date.now().toString(36)}`, outs: { keyVersion: inputs.keyVersion, ...key } };
  }

  async update(_id: string, _olds: object, news: KeyInputs): Promise<{ outs: object }> {
    return { outs: { keyVersion: news.keyVersion, ...this.make() } };
  }
}

/** The same for a secret that several know: the one before it stays known, and comes back when its version does. */
export class SharedSecretProvider extends KeyProvider {
  override async create(inputs: KeyInputs): Promise<{ id: string; outs: object }> {
    const { id, outs } = await super.create(inputs);
    const { value, keyVersion } = outs as SharedSecretOutputs;
    return { id, outs: { ...outs, previous: value, previousVersion: keyVersion } };
  }

  override async update(_id: string, olds: object, news: KeyInputs): Promise<{ outs: object }> {
    const { value, keyVersion, previous, previousVersion } = olds as SharedSecretOutputs;
    const own = previousVersion === news.keyVersion ? { value: previous } : this.make();
    return { outs: { keyVersion: news.keyVersion, ...own, previous: value, previousVersion: keyVersion } };
  }
}
