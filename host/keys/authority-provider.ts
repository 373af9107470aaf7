import { isOrganisation, ORGANISATION_RULE } from "../../model";
import type { CheckFailure } from "../resource/check";
import { isUnknown } from "../resource/inputs";
import { checkKeyVersion, diffKeyVersion } from "./key-provider";

/** Inputs of a RootCertificate. */
export interface RootInputs {
  keyVersion: number;
  organisation: string;
  domain: string;
  lifetimeDays: number;
}

/** Inputs of an IntermediateCertificate. */
export interface IntermediateInputs {
  keyVersion: number;
  lifetimeDays: number;
  rootCertificate: string;
  rootPrivateKey: string;
}

const PART_OF_THE_ROOT = ["organisation", "domain", "lifetimeDays"] as const;

function checkLifetime(value: unknown): CheckFailure[] {
  if (isUnknown(value) || (Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 36_500)) return [];
  return [{ property: "lifetimeDays", reason: "lifetimeDays must be a whole number of days from 1 to 36500" }];
}

/** Loaded only by who makes a certificate: the library costs every other process a quarter of a second. */
// eslint-disable-next-line @typescript-eslint/no-require-imports -- an import would load it at once
const library = () => require("./x509") as typeof import("./x509");

/**
 * The dynamic provider of a root: only a new `keyVersion` makes another one, since every device has to install it by
 * hand.
 */
export class RootProvider {
  async check(olds: Partial<RootInputs>, news: RootInputs) {
    const { failures } = checkKeyVersion(news);
    failures.push(...checkLifetime(news.lifetimeDays));
    const { organisation } = news;
    if (!isUnknown(organisation) && !(typeof organisation === "string" && isOrganisation(organisation)))
      failures.push({
        property: "organisation",
        reason: `organisation ${ORGANISATION_RULE}`,
      });
    if (olds.keyVersion !== undefined && olds.keyVersion === news.keyVersion)
      for (const property of PART_OF_THE_ROOT)
        if (olds[property] !== news[property])
          failures.push({
            property,
            reason:
              `${property} is part of the root certificate (it is ${JSON.stringify(olds[property])}) and cannot change alone; ` +
              "raise keyVersion as well (rootVersion of a CertificateAuthority), which makes a new root that every device has to install again",
          });
    return { inputs: news, failures };
  }

  async diff(_id: string, olds: object, news: object) {
    return diffKeyVersion(olds, news);
  }

  async create(inputs: RootInputs): Promise<{ id: string; outs: object }> {
    return { id: `root-certificate-${Date.now().toString(36)}`, outs: await this.make(inputs) };
  }

  async update(_id: string, _olds: object, news: RootInputs): Promise<{ outs: object }> {
    return { outs: await this.make(news) };
  }

  private async make({ keyVersion, organisation, domain, lifetimeDays }: RootInputs): Promise<object> {
    const { makeRoot } = library();
    return {
      keyVersion,
      organisation,
      domain,
      lifetimeDays,
      ...(await makeRoot({ organisation, domain, lifetimeDays })),
    };
  }
}

/** The dynamic provider of an intermediate: another version, lifetime or root makes another one; no device notices. */
export class IntermediateProvider {
  async check(_olds: object, news: IntermediateInputs) {
    const { failures } = checkKeyVersion(news);
    return { inputs: news, failures: [...failures, ...checkLifetime(news.lifetimeDays)] };
  }

  async diff(_id: string, olds: Partial<IntermediateInputs>, news: IntermediateInputs) {
    const fields = ["keyVersion", "lifetimeDays", "rootCertificate"] as const;
    return { changes: fields.some((field) => olds[field] !== news[field]) };
  }

  async create(inputs: IntermediateInputs): Promise<{ id: string; outs: object }> {
    return { id: `intermediate-certificate-${Date.now().toString(36)}`, outs: await this.make(inputs) };
  }

  async update(_id: string, _olds: object, news: IntermediateInputs): Promise<{ outs: object }> {
    return { outs: await this.make(news) };
  }

  /** The root's key is an input only: the outputs do not repeat it. */
  private async make(inputs: IntermediateInputs): Promise<object> {
    const { keyVersion, lifetimeDays, rootCertificate, rootPrivateKey } = inputs;
    const { makeIntermediate } = library();
    const made = await makeIntermediate({ version: keyVersion, lifetimeDays, rootCertificate, rootPrivateKey });
    return { keyVersion, lifetimeDays, rootCertificate, ...made };
  }
}
