/* eslint-disable @typescript-eslint/no-require-imports -- a serialised function can reach a package only by require */
import type { dynamic } from "@pulumi/pulumi";

/**
 * Bodies of the dynamic providers.
 *
 * The engine serialises a provider's code into the state of every resource of it. These only require the installed
 * package and pass on, so the state stays small and a new release takes effect at once. Their text must stay constant:
 * a change of it would show in every resource of every user.
 */
export const roleStub: dynamic.ResourceProvider = {
  check: (olds, news) => require("pulumi-intranet/host/provider").role.check(olds, news),
  diff: (id, olds, news) => require("pulumi-intranet/host/provider").role.diff(id, olds, news),
  create: (inputs) => require("pulumi-intranet/host/provider").role.create(inputs),
  read: (id, props) => require("pulumi-intranet/host/provider").role.read(id, props),
  update: (id, olds, news) => require("pulumi-intranet/host/provider").role.update(id, olds, news),
  delete: (id, props) => require("pulumi-intranet/host/provider").role.delete(id, props),
};

/** Body of WireGuardKey. */
export const wireGuardKeyStub: dynamic.ResourceProvider = {
  check: (olds, news) => require("pulumi-intranet/host/provider").wireGuardKey.check(olds, news),
  diff: (id, olds, news) => require("pulumi-intranet/host/provider").wireGuardKey.diff(id, olds, news),
  create: (inputs) => require("pulumi-intranet/host/provider").wireGuardKey.create(inputs),
  update: (id, olds, news) => require("pulumi-intranet/host/provider").wireGuardKey.update(id, olds, news),
};

/** Body of SshHostKey. */
export const sshHostKeyStub: dynamic.ResourceProvider = {
  check: (olds, news) => require("pulumi-intranet/host/provider").sshHostKey.check(olds, news),
  diff: (id, olds, news) => require("pulumi-intranet/host/provider").sshHostKey.diff(id, olds, news),
  create: (inputs) => require("pulumi-intranet/host/provider").sshHostKey.create(inputs),
  update: (id, olds, news) => require("pulumi-intranet/host/provider").sshHostKey.update(id, olds, news),
};

/** Body of SharedSecret. */
export const sharedSecretStub: dynamic.ResourceProvider = {
  check: (olds, news) => require("pulumi-intranet/host/provider").sharedSecret.check(olds, news),
  diff: (id, olds, news) => require("pulumi-intranet/host/provider").sharedSecret.diff(id, olds, news),
  create: (inputs) => require("pulumi-intranet/host/provider").sharedSecret.create(inputs),
  update: (id, olds, news) => require("pulumi-intranet/host/provider").sharedSecret.update(id, olds, news),
};

/** Body of EnrolledHost. */
export const enrolledHostStub: dynamic.ResourceProvider = {
  check: (olds, news) => require("pulumi-intranet/host/provider").enrolledHost.check(olds, news),
  diff: (id, olds, news) => require("pulumi-intranet/host/provider").enrolledHost.diff(id, olds, news),
  create: (inputs) => require("pulumi-intranet/host/provider").enrolledHost.create(inputs),
  update: (id, olds, news) => require("pulumi-intranet/host/provider").enrolledHost.update(id, olds, news),
};

/** Body of RootCertificate. */
export const rootCertificateStub: dynamic.ResourceProvider = {
  check: (olds, news) => require("pulumi-intranet/host/provider").rootCertificate.check(olds, news),
  diff: (id, olds, news) => require("pulumi-intranet/host/provider").rootCertificate.diff(id, olds, news),
  create: (inputs) => require("pulumi-intranet/host/provider").rootCertificate.create(inputs),
  update: (id, olds, news) => require("pulumi-intranet/host/provider").rootCertificate.update(id, olds, news),
};

/** Body of IntermediateCertificate. */
export const intermediateCertificateStub: dynamic.ResourceProvider = {
  check: (olds, news) => require("pulumi-intranet/host/provider").intermediateCertificate.check(olds, news),
  diff: (id, olds, news) => require("pulumi-intranet/host/provider").intermediateCertificate.diff(id, olds, news),
  create: (inputs) => require("pulumi-intranet/host/provider").intermediateCertificate.create(inputs),
  update: (id, olds, news) => require("pulumi-intranet/host/provider").intermediateCertificate.update(id, olds, news),
};
