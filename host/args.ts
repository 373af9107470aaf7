import type { Input } from "@pulumi/pulumi";

/**
 * How a host is reached over SSH.
 *
 * Only these fields are allowed: an unknown one is refused before anything is touched, and no value is ever printed.
 * The operator's own key is not among them: it is the file that `INTRANET_SSH_KEY` names, or in the agent at
 * `SSH_AUTH_SOCK`, or the file `identityFile`, and they are tried in this order.
 */
export interface ConnectionArgs {
  /** Host name or IP address. */
  address: Input<string>;
  /** TCP port, 1 to 65535. Default: 22. */
  port?: Input<number>;
  /** Login name. Default: `root`. Another user needs `sudo` without a password. */
  user?: Input<string>;
  /**
   * Pinned public keys of the host in OpenSSH form (`ssh-ed25519 AAAA…`). Any of them is accepted and nothing else: a
   * different key stops everything. An empty list is an error that prints what the host shows.
   */
  hostKeys: Input<Input<string>[]>;
  /** What people call the host, for messages. Default: its address. */
  name?: Input<string>;
  /** Jump host: the connection is made from there, with end-to-end encryption to this one. Absent: directly. */
  via?: Input<ConnectionArgs>;
  /** Path of the operator's private key on the machine that runs Pulumi: a hint, the environment wins. */
  identityFile?: Input<string>;
  /**
   * Public halves, OpenSSH form, of keys that may log in there. Of an agent with many keys these are offered first,
   * since a server ends a login after a few refused ones (sshd's MaxAuthTries). Nothing is refused or let in by them,
   * and another list is no change of a role. Default: none is known.
   */
  operatorKeys?: Input<Input<string>[]>;
}

/** A managed file. It is staged, checked, and then replaced in one step (rename within its directory, fsync). */
export interface FileArgs {
  /**
   * Text in UTF-8. `{{name}}` is filled in on the way to the host for every name in `secrets` and `values`; other
   * braces stay.
   */
  content: Input<string>;
  /** Values for the placeholders. They show as `[secret]`, while the rest of the content still shows by line. */
  secrets?: Record<string, Input<string>>;
  /**
   * The same for values that are no secret but may be unknown in a preview, such as a peer's public key: the content
   * stays plain text, so its own lines still show. They must not be secrets: they lie in the state in clear.
   */
  values?: Record<string, Input<string>>;
  /** Default: `root`. */
  owner?: string;
  /** Default: the owner's own group. */
  group?: string;
  /**
   * Four octal digits. Default: `0644`, and `0600` when the file has secrets; with secrets it must not be open to
   * others.
   */
  mode?: string;
}

/**
 * A signed apt repository for packages that no apt source of the host has. It is pinned to them alone
 * (apt_preferences(5)): nothing else is ever taken from that server.
 */
export interface PackageRepositoryArgs {
  /** What people call it, for messages. */
  name: string;
  /** http or https, without a user and without a query. No other apt source of the host may be at that server. */
  uri: string;
  /** As in sources.list(5). */
  suite: string;
  /** As in sources.list(5). */
  components: string[];
  /**
   * http or https: where the host fetches the key of the repository, binary or armoured. Any transport will do, since
   * the fingerprint is what counts.
   */
  key: string;
  /** 40 or 64 hexadecimal digits in upper case. A key with another one is refused, and nothing is left on the host. */
  fingerprint: string;
  /** The packages that may come from there. */
  packages: string[];
}

/** A Debian package by itself. It is installed once, where it is missing; nothing updates it. */
export interface PackageFileArgs {
  /** http or https, without a user and without a query. */
  deb: string;
  /** SHA-256 of the file, 64 hexadecimal digits. Another file is refused, and nothing is left on the host. */
  sha256: string;
}

/** Where a package comes from that is not Debian's. */
export type PackageSourceArgs = PackageRepositoryArgs | PackageFileArgs;

/** A managed directory. What it holds beside managed files is left alone; it is removed only when empty. */
export interface DirectoryArgs {
  /** Default: `root`. */
  owner?: string;
  /** Default: the owner's own group. */
  group?: string;
  /** Four octal digits. Default: `0755`. */
  mode?: string;
}

/**
 * A system user, with a group of the same name. Groups that do not exist are made. What is not given is not looked at
 * on a user who exists.
 */
export interface UserArgs {
  /** A system account, with no login shell unless `shell` says so. Default: true. */
  system?: boolean;
  /** Absolute path of the home directory. */
  home?: string;
  /** Absolute path of the login shell. Default for a system account that is made: /usr/sbin/nologin. */
  shell?: string;
  /** Supplementary groups; others that the user is in stay. */
  groups?: string[];
}

/** A systemd unit. */
export interface UnitArgs {
  /** Starts at boot. Default: true. */
  enabled?: boolean;
  /** Default: `started`. */
  state?: "started" | "stopped";
  /** Managed paths whose change means a reload (a restart where the unit cannot reload). */
  reloadOn?: string[];
  /** Managed paths whose change means a restart; wins over a reload. */
  restartOn?: string[];
}

/** A port at which a role listens. */
export interface PortArgs {
  /** `tcp` or `udp`. */
  protocol: "tcp" | "udp";
  /** 1 to 65535. */
  port: number;
  /**
   * The one address it listens on, IPv4 or IPv6. Absent: every address, so that no other role can have the port on any.
   */
  address?: string;
}

/** A word of a checker's command: literal, or the path of the staged copy of a managed file (its base name is kept). */
export type CommandArg = string | { staged: string };

/** Runs on the staged files before anything is changed; an exit code other than 0 refuses the whole change. */
export interface CheckArgs {
  /** An argument list; no shell reads it. */
  command: CommandArg[];
  /** What is checked, for the error. */
  description?: string;
}

/** What every kind of probe may say beside its question. */
interface AnyProbe {
  /** What is probed, for the error; one line. Default: the question in words. */
  description?: string;
  /** How long it is retried, 1 to 600. Default: 30. */
  timeoutSeconds?: number;
  /**
   * Default true: without the right answer the change goes back. With `false` the change is kept, and what was answered
   * is said as a warning: for what others run, such as the application behind a proxy. Then choose a short time.
   */
  required?: boolean;
}

/** Where a probe connects to, from the host itself. */
export interface ProbeTarget {
  /**
   * IPv4 or IPv6 address, without brackets: names are not asked for, so that a probe of a resolver proves no other one.
   */
  address: string;
  /** 1 to 65535. Default: 80 for `http`, 443 for `https` and `tls`; `tcp` needs it. */
  port?: number;
}

/**
 * A question to a web server: one GET (RFC 9110), of whose answer only the status is looked at. Redirects are not
 * followed.
 */
export interface WebQuestion extends ProbeTarget {
  /** The Host header, and with TLS the server name: a host name, without a port. */
  host: string;
  /** Begins with a slash. Default: `/`. */
  path?: string;
  /** The status that it must answer with, 100 to 599. */
  status: number;
}

/** A question to a web server over TLS. */
export interface TlsWebQuestion extends WebQuestion {
  /**
   * Path on the host of the only root certificates (PEM) that are trusted. Absent: any certificate will do, so nothing
   * is proved about it.
   */
  roots?: string;
}

/** A handshake (RFC 8446) that must end with a certificate that is trusted and has the name. */
export interface TlsQuestion extends ProbeTarget {
  /** The server name that is asked for, and that the certificate must have. */
  name: string;
  /** Path on the host of the only root certificates (PEM) that are trusted. */
  roots: string;
}

/** A connection that must be taken; nothing is sent. */
export interface TcpQuestion extends ProbeTarget {
  port: number;
}

/**
 * Runs after the change until it succeeds; if it does not in time, everything goes back (see `required`). One of
 * `http`, `https`, `tls` and `tcp`, which the host's agent asks by itself, or `command`: an argument list that no shell
 * reads, and that succeeds by its exit code 0.
 */
export type ProbeArgs = AnyProbe &
  (
    | { http: WebQuestion }
    | { https: TlsWebQuestion }
    | { tls: TlsQuestion }
    | { tcp: TcpQuestion }
    | { command: string[] }
  );

/**
 * A command that prints state of the kernel or of a daemon, compared on refresh with what it printed after the last
 * apply.
 */
export interface LiveArgs {
  /** An argument list; no shell reads it. It must print neither secrets nor counters. */
  command: string[];
}

/**
 * The desired state of one role on one host: one resource, one transaction.
 *
 * Security: everything runs as root on the host. Secrets belong in `files[…].secrets` and nowhere else.
 */
export interface HostRoleArgs {
  /** How the host is reached. */
  connection: Input<ConnectionArgs>;
  /**
   * The role's name in the host's ledger, unique on the host: a letter, then letters, digits, hyphens. Another name
   * replaces.
   */
  role: string;
  /**
   * What identifies the machine behind the address, such as a cloud server's id. When it changes the role is made
   * anew there, and the old one is left alone. Absent: another address is taken for the same machine.
   */
  machine?: Input<string | undefined>;
  /** Debian packages. Those that a role installed are removed again when no role lists them any more. */
  packages?: string[];
  /**
   * Where packages of `packages` come from that Debian has not, by name. A repository is added only where the package
   * is missing and apt, after a fresh look at its own sources, has none; then source, key and pin are the role's and go
   * with it. Default: from the host's own apt sources.
   */
  packageSources?: Record<string, PackageSourceArgs>;
  /** Directories by absolute path. Two roles may share one. */
  directories?: Record<string, DirectoryArgs>;
  /** Files by absolute path. The keys are plain, so that a diff shows by path and line. */
  files?: Record<string, FileArgs>;
  /** Symbolic links: absolute path to target. */
  links?: Record<string, string>;
  /** Files and links that must not exist. */
  absent?: string[];
  /**
   * Directories of what daemons of the role gather by themselves, such as a database: below /var/lib, /var/cache or
   * /var/log. They are neither made nor looked at; when the role goes, they go with all they hold, unless they stood
   * there before it or another role lists them too. A stop, a change or a reset leaves them alone.
   */
  state?: string[];
  /**
   * Kernel settings, written to /etc/sysctl.d/zz-intranet-<role>.conf (read last, so that it wins) and set live. Two
   * roles may set the same value.
   */
  sysctls?: Record<string, string>;
  /** Users by name. */
  users?: Record<string, UserArgs>;
  /**
   * systemd units by full name (`bird.service`). Freshly installed daemons that are not listed here are not started.
   */
  units?: Record<string, UnitArgs>;
  /**
   * Where the role listens: claimed, so that a second role for the same port is refused with both names, in the preview
   * within a program and by the host's ledger across stacks. The same port on another address is free. When a role
   * takes a port that a program of another hand has, it is refused before anything is changed, with that program's name
   * (ss(8)); programs of the role's own `units` do not count. Opens nothing in any firewall. Default: none.
   */
  ports?: PortArgs[];
  /** In this order, all of them, before anything is changed. */
  checks?: CheckArgs[];
  /** In this order, after everything was changed. */
  probes?: ProbeArgs[];
  /**
   * The change could cut the way in: the host undoes it by itself unless a new connection gets in within the time (60
   * s, or 15 to 3600). Default: true where the role touches what is known to hold the way in: files, units or kernel
   * settings of SSH, logins, packet filters, tunnels, networks and routing, or the login user; else false. With `false`
   * a mistake there can lock everybody out.
   */
  confirm?: boolean | { timeoutSeconds: number };
  /**
   * The role holds the way by which the host is reached (its tunnel, its address, its SSH service). Deleting it only
   * asks the host to: once the last of them was asked for, a job of the host's own removes them all, without the
   * connection. A tunnel is deleted at once while another one (`unless`, an interface) is there and whoever asks is
   * answered by any other interface than its own (`interface`). Default: false.
   */
  lastWay?: boolean | { interface: string; unless: string };
  /**
   * The role installs the SSH host key that `connection` pins; needs `confirm`. While it is made it also takes `first`,
   * the keys that a new machine shows; while it is updated, those that its last state pinned. A new connection must
   * then see a pinned one, and from there on nothing else is accepted. Every other role of the host has to depend on
   * it. Absent: nothing but the pinned keys, ever.
   */
  installsHostKey?: { first?: Input<Input<string>[]> };
  /**
   * What must succeed before the role is deleted, such as that another one has taken its place; if it does not in time,
   * the role stays.
   */
  beforeDelete?: ProbeArgs[];
  /** Live state by name. */
  live?: Record<string, LiveArgs>;
}
