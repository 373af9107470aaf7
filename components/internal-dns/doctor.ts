/** What people are told: what to enter in a LAN's router, and a script that looks whether it was. Pure. */
import { nameServerLabel } from "../../model";
import { familyOf, lines, MADE_BY } from "../common/text";
import type { InternalDnsArgs } from "./args";

/** See {@link InternalDnsArgs.publicName}. */
export const PUBLIC_NAME = "debian.org";

/** What to enter in a LAN's DHCP server and in its router advertisements. */
export function renderDhcp(domain: string, resolvers: readonly string[]): string {
  const of = (family: 4 | 6): string => resolvers.filter((address) => familyOf(address) === family).join(", ");
  return lines(
    "In the DHCP server of the LAN:",
    `  DNS servers (option 6)                 ${of(4)}`,
    `  domain name (option 15)                ${domain}`,
    "In the router advertisements, if the LAN has IPv6 (RFC 8106), and in DHCPv6 likewise:",
    `  DNS servers (RDNSS; option 23)         ${of(6)}`,
    `  search list (DNSSL; option 24)         ${domain}`,
    "Name no other resolver beside these, the router itself included: a device asks whichever it likes.",
    "The LAN needs a route to these addresses. Devices take the setting over when they connect anew.",
  );
}

/**
 * The script. It needs one of dig, drill, nslookup and getent, of which only the first three can ask a chosen server.
 * Its text follows from the domain and the servers, so a name that comes or goes does not change it.
 */
export function renderDoctor(
  args: Pick<InternalDnsArgs, "domain" | "servers" | "publicName">,
  resolvers: readonly string[],
): string {
  const [first] = args.servers;
  return lines(
    "#!/bin/sh",
    `# ${MADE_BY}`,
    "# Says which resolver this device asks, and whether names come out right. Exit code 0: all is well, 1: something is not.",
    "# usage: intranet-doctor [PUBLIC-NAME]",
    "set -u",
    `domain='${args.domain}'`,
    `servers='${resolvers.join(" ")}'`,
    `declared='${nameServerLabel(0)}.${args.domain}'`,
    `address='${first!.identity.v4}'`,
    `public=\${1:-${args.publicName ?? PUBLIC_NAME}}`,
    SCRIPT,
    "cat <<'END'",
    renderDhcp(args.domain, resolvers).trimEnd(),
    "END",
    'exit "$bad"',
  );
}

/** `ask NAME [SERVER]` leaves `status`, `found` (IPv4 addresses) and `from` (who answered). */
const SCRIPT = String.raw`
bad=0
good() { echo "ok    $1"; }
wrong() { bad=1; echo "WRONG $1"; }

tool=
for candidate in dig drill nslookup getent; do
	if command -v "$candidate" >/dev/null 2>&1; then tool=$candidate; break; fi
done
[ -n "$tool" ] || { echo "none of dig, drill, nslookup and getent is installed" >&2; exit 1; }

ask() {
	status='' from=''
	case $tool in
	dig)
		said=$(dig +noall +comments +answer +stats +time=3 +tries=2 "$1." A ${'${2:+"@$2"}'} 2>&1)
		status=$(echo "$said" | sed -n 's/.* status: \([A-Z]*\),.*/\1/p' | head -n 1)
		from=$(echo "$said" | sed -n 's/^;; SERVER: \([^#]*\)#.*/\1/p') ;;
	drill)
		said=$(drill "$1." A ${'${2:+"@$2"}'} 2>&1)
		status=$(echo "$said" | sed -n 's/.* rcode: \([A-Z]*\),.*/\1/p' | head -n 1)
		from=$(echo "$said" | sed -n 's/^;; SERVER: //p') ;;
	nslookup)
		said=$(nslookup -type=A "$1." ${'${2:+"$2"}'} 2>&1)
		from=$(echo "$said" | sed -n 's/^Server:[[:blank:]]*//p' | head -n 1)
		case $said in
		*NXDOMAIN*) status=NXDOMAIN ;;
		*SERVFAIL*) status=SERVFAIL ;;
		*REFUSED*) status=REFUSED ;;
		*"timed out"* | *"no servers could be reached"*) status='' ;;
		*) status=NOERROR ;;
		esac ;;
	getent)
		said=$(getent ahostsv4 "$1.")
		[ -z "$said" ] || status=NOERROR ;;
	esac
	case $tool in
	dig | drill) found=$(echo "$said" | awk '!/^;/ && $4 == "A" { print $5 }') ;;
	nslookup) found=$(echo "$said" | sed '1,/^$/d' | sed -n 's/^Address[ 0-9]*:[[:blank:]]*\([0-9.]*\)$/\1/p') ;;
	getent) found=$(echo "$said" | awk '{ print $1 }') ;;
	esac
	found=$(echo "$found" | sort -u | tr '\n' ' ' | sed 's/ *$//')
}
outcome() { echo "${"${found:-nothing}"}${"${status:+ ($status)}"}"; }
ours() { case " $servers " in *" $1 "*) return 0 ;; esac; return 1; }

# A local stub passes questions on: who is behind it says systemd-resolved, or resolv.conf.
behind() {
	if command -v resolvectl >/dev/null 2>&1; then
		resolvectl status 2>/dev/null | sed -n 's/^ *Current DNS Server: *//p' | head -n 1
	else
		sed -n 's/^nameserver[[:blank:]]*//p' /etc/resolv.conf 2>/dev/null | head -n 1
	fi
}

ask "$declared"
case $from in
'' | 127.* | ::1) resolver=$(behind); resolver=${"${resolver:-unknown}"}; through=" through ${"${from:-the system}"}" ;;
*) resolver=$from through='' ;;
esac
if [ -z "$status" ] && [ "$tool" != getent ]; then wrong "no resolver answered (asked with $tool): $resolver$through"
elif ours "$resolver"; then good "this device asks $resolver$through, a server of the intranet (asked with $tool)"
else wrong "this device asks $resolver$through, which is no server of the intranet (asked with $tool)"; fi

if [ "$found" = "$address" ]; then good "$declared is $address"
else wrong "$declared should be $address and is $(outcome)"; fi

ask "nobody-declared-this.$domain"
if [ -z "$found" ] && [ "$status" != SERVFAIL ]; then good "a name that is not declared does not exist"
else wrong "a name of $domain that is not declared should not exist and is $(outcome)"; fi

ask "$public"
if [ -n "$found" ]; then good "$public, a public name, is $found"
else wrong "$public, a public name, should have an address and is $(outcome)"; fi

ask use-application-dns.net
if [ -z "$found" ] && { [ "$status" = NXDOMAIN ] || [ "$tool" = getent ]; }; then good "browsers are told not to go past this resolver"
else wrong "use-application-dns.net should not exist and is $(outcome): browsers may go past this resolver"; fi

for server in $servers; do
	[ "$tool" != getent ] || break
	ask "$declared" "$server"
	if [ "$found" = "$address" ]; then good "$server answers"
	else echo "-     $server does not answer: $(outcome)"; fi
done
# A host with several tunnels knows whose each network is.
if [ -x /etc/intranet/ospf-owners ]; then /etc/intranet/ospf-owners || bad=1; fi
echo
`;
