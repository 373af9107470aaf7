import type { CheckFailure } from "../resource/check";
import { isUnknown } from "../resource/inputs";

/** Inputs of a key resource: nothing but the version, which is the only thing that changes a key. */
export interface KeyInputs {
  keyVersion: number;
  __provider?: string;
}

/** Checks the version: a whole number from 1. */
export function checkKeyVersion(news: object): { inputs: object; failures: CheckFailure[] } {
  const { keyVersion } = news as Partial<KeyInputs>;
  const ok = isUnknown(keyVersion) || (Number.isInteger(keyVersion) && Number(keyVersion) >= 1);
  const reason = "keyVersion must be a whole number from 1; raise it by one to have a new key made";
  return { inputs: news, failures: ok ? [] : [{ property: "keyVersion", reason }] };
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
  constructor(
    private readonly kind: string,
    private readonly make: () => object,
  ) {}

  async check(_olds: object, news: object) {
    return checkKeyVersion(news);
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
