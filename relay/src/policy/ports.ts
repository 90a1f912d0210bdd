/**
 * Ports that strangers get no connection to, because what listens there is no game, and is what an open proxy is
 * abused for. A ticket that names ports grants them all the same. SECURITY.md repeats the tables.
 */

/** First and last port, and what is there. */
type Row = readonly [first: number, last: number, what: string];

/** Below 1024 only these are granted. */
const WELL_KNOWN_TCP: readonly number[] = [80, 443];
const FIRST_REGISTERED = 1024;
const LAST = 65_535;

export const DENIED_TCP: readonly Row[] = [
  [1080, 1080, 'SOCKS proxy'],
  [1099, 1099, 'Java RMI'],
  [1433, 1434, 'Microsoft SQL Server'],
  [1521, 1521, 'Oracle database'],
  [1723, 1723, 'PPTP'],
  [2049, 2049, 'NFS'],
  [2181, 2181, 'ZooKeeper'],
  [2222, 2222, 'SSH'],
  [2323, 2323, 'telnet'],
  [2375, 2377, 'Docker'],
  [2379, 2380, 'etcd'],
  [2483, 2484, 'Oracle database'],
  [2525, 2525, 'mail submission'],
  [3128, 3128, 'HTTP proxy'],
  [3268, 3269, 'LDAP global catalogue'],
  [3306, 3306, 'MySQL'],
  [3389, 3389, 'remote desktop'],
  [4369, 4369, 'Erlang port mapper'],
  [4899, 4899, 'Radmin'],
  [5432, 5433, 'PostgreSQL'],
  [5555, 5555, 'Android debug bridge'],
  [5601, 5601, 'Kibana'],
  [5671, 5672, 'AMQP'],
  [5800, 5809, 'VNC over HTTP'],
  [5900, 5909, 'VNC'],
  [5938, 5938, 'TeamViewer'],
  [5984, 5986, 'CouchDB, WinRM'],
  [6000, 6063, 'X11'],
  [6379, 6380, 'Redis'],
  [6443, 6443, 'Kubernetes'],
  [6660, 6669, 'IRC'],
  [6679, 6679, 'IRC'],
  [6697, 6697, 'IRC'],
  [6984, 6984, 'CouchDB'],
  [7001, 7002, 'WebLogic'],
  [7199, 7199, 'Cassandra'],
  [7474, 7474, 'Neo4j'],
  [7687, 7687, 'Neo4j'],
  [8009, 8009, 'AJP'],
  [8086, 8086, 'InfluxDB'],
  [8500, 8500, 'Consul'],
  [9042, 9042, 'Cassandra'],
  [9050, 9051, 'Tor'],
  [9092, 9092, 'Kafka'],
  [9100, 9100, 'printers'],
  [9150, 9151, 'Tor'],
  [9160, 9160, 'Cassandra'],
  [9200, 9200, 'Elasticsearch'],
  [9300, 9300, 'Elasticsearch'],
  [10250, 10255, 'Kubernetes'],
  [11211, 11211, 'memcached'],
  [15672, 15672, 'RabbitMQ'],
  [16379, 16379, 'Redis cluster'],
  [26379, 26379, 'Redis sentinel'],
  [27017, 27019, 'MongoDB'],
  [33060, 33060, 'MySQL'],
  [50000, 50000, 'DB2'],
  [50070, 50070, 'HDFS'],
  [61616, 61616, 'ActiveMQ'],
];

/** Services that answer more than they were asked (CISA alert TA14-017A, and what came after it), or relay what they hear. */
export const DENIED_UDP: readonly Row[] = [
  [7, 7, 'echo'],
  [9, 9, 'discard, wake-on-LAN'],
  [11, 11, 'systat'],
  [13, 13, 'daytime'],
  [17, 17, 'quote of the day'],
  [19, 19, 'chargen'],
  [37, 37, 'time'],
  [53, 53, 'DNS'],
  [67, 69, 'DHCP, TFTP'],
  [88, 88, 'Kerberos'],
  [111, 111, 'portmap'],
  [123, 123, 'NTP'],
  [135, 139, 'NetBIOS'],
  [161, 162, 'SNMP'],
  [177, 177, 'XDMCP'],
  [389, 389, 'CLDAP'],
  [427, 427, 'SLP'],
  [445, 445, 'SMB'],
  [464, 464, 'Kerberos'],
  [500, 500, 'IKE'],
  [514, 514, 'syslog'],
  [520, 521, 'RIP'],
  [546, 547, 'DHCP'],
  [623, 623, 'IPMI'],
  [626, 626, 'macOS serialnumberd'],
  [751, 751, 'Kerberos'],
  [1194, 1194, 'OpenVPN'],
  [1434, 1434, 'Microsoft SQL Server'],
  [1604, 1604, 'Citrix'],
  [1645, 1646, 'RADIUS'],
  [1701, 1701, 'L2TP'],
  [1812, 1813, 'RADIUS'],
  [1900, 1900, 'SSDP'],
  [2049, 2049, 'NFS'],
  [2123, 2123, 'GTP'],
  [2152, 2152, 'GTP'],
  [3283, 3283, 'Apple Remote Desktop'],
  [3389, 3389, 'remote desktop'],
  [3702, 3702, 'WS-Discovery'],
  [4500, 4500, 'IKE'],
  [5060, 5061, 'SIP'],
  [5093, 5093, 'Sentinel'],
  [5350, 5351, 'NAT-PMP'],
  [5353, 5353, 'mDNS'],
  [5355, 5355, 'LLMNR'],
  [5683, 5684, 'CoAP'],
  [6881, 6881, 'BitTorrent DHT'],
  [10001, 10001, 'Ubiquiti discovery'],
  [11211, 11211, 'memcached'],
  [17185, 17185, 'VxWorks debugger'],
  [32410, 32414, 'Plex discovery'],
  [33848, 33848, 'Jenkins discovery'],
  [37020, 37020, 'SADP discovery'],
  [37810, 37810, 'DVR discovery'],
  [47808, 47808, 'BACnet'],
];

/** Null: a stranger may have it. Else what is there. */
export function portDenial(kind: 'tcp' | 'udp', port: number): string | null {
  if (!isPort(port) || port === 0) return 'no port';
  if (kind === 'tcp' && port < FIRST_REGISTERED && !WELL_KNOWN_TCP.includes(port)) return 'a port below 1024';
  const row = (kind === 'tcp' ? DENIED_TCP : DENIED_UDP).find(([first, last]) => port >= first && port <= last);
  return row === undefined ? null : `the port of ${row[2]}`;
}

export function isPort(port: unknown): port is number {
  return typeof port === 'number' && Number.isInteger(port) && port >= 0 && port <= LAST;
}
