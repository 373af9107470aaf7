/** Probes that ask a program over the network whether it works, with what every Debian has: bash's /dev/tcp, and openssl. */
import type { ProbeArgs } from "../../host";

/** What a web server is asked, and what it must answer. */
export interface WebProbe {
  /** The address to ask, IPv4 or IPv6 without brackets. */
  readonly address: string;
  /** The Host header to send. */
  readonly hostname: string;
  /** The status that it must answer with. */
  readonly status: number;
}

const ASK_PLAIN = [
  'exec 3<>"/dev/tcp/$1/80" || exit 1',
  'printf "GET / HTTP/1.1\\r\\nHost: %s\\r\\nConnection: close\\r\\n\\r\\n" "$2" >&3',
  'read -r version status rest <&3 && [ "$status" = "$3" ] || { echo "answered: $version $status $rest"; exit 1; }',
].join("\n");

const ASK_TLS = [
  'answer=$(printf "GET / HTTP/1.1\\r\\nHost: %s\\r\\nConnection: close\\r\\n\\r\\n" "$2" | openssl s_client -quiet -ign_eof -connect "$1:443" 2>/dev/null | head -n 1)',
  'set -- "$3" $answer',
  '[ "$3" = "$1" ] || { echo "answered: $answer"; exit 1; }',
].join("\n");

/** Asks for a page over plain HTTP on port 80. Values go as arguments: the script is constant. */
export function httpProbe(probe: WebProbe): ProbeArgs {
  return {
    command: ["bash", "-c", ASK_PLAIN, "probe", probe.address, probe.hostname, String(probe.status)],
    description: `http://${probe.hostname} at ${probe.address} answers ${probe.status}`,
  };
}

/** Asks for a page over TLS on port 443, whatever the certificate. IPv6 addresses need no brackets here either. */
export function httpsProbe(probe: WebProbe): ProbeArgs {
  const address = probe.address.includes(":") ? `[${probe.address}]` : probe.address;
  return {
    command: ["bash", "-c", ASK_TLS, "probe", address, probe.hostname, String(probe.status)],
    description: `https://${probe.hostname} at ${probe.address} answers ${probe.status}`,
  };
}

/** Opens a TCP connection, and says nothing. */
export function tcpProbe(address: string, port: number): ProbeArgs {
  return {
    command: ["bash", "-c", 'exec 3<>"/dev/tcp/$1/$2"', "probe", address, String(port)],
    description: `tcp/${port} at ${address} is open`,
  };
}
