import assert from "node:assert/strict";
import * as v from "valibot";
import { tomcatServerSchema } from "../../../providers/schema/tomcat-server";
import { applicationXml, contextXml } from "../../../providers/tomcat/context-xml";
import { javaOptions, jmxOptions } from "../../../providers/tomcat/java-options";
import type { TomcatModel } from "../../../providers/tomcat/model";
import { releaseOf } from "../../../providers/tomcat/release";
import { serverXml } from "../../../providers/tomcat/server-xml";

const sha256 = "ab".repeat(32);

function model(more: object = {}): TomcatModel {
  const machine = { kind: "local" };
  const applications = { "/shop": { war: "shop.war", sha256 } };
  return v.parse(tomcatServerSchema, { machine, name: "shop", route: "shop-1", applications, ...more });
}

const plain = `<?xml version="1.0" encoding="UTF-8"?>
<Server port="-1">
  <Listener className="org.apache.catalina.startup.VersionLoggerListener" logArgs="false"/>
  <Listener className="org.apache.catalina.core.JreMemoryLeakPreventionListener"/>
  <Listener className="org.apache.catalina.mbeans.GlobalResourcesLifecycleListener"/>
  <Listener className="org.apache.catalina.core.ThreadLocalLeakPreventionListener"/>
  <GlobalNamingResources/>
  <Service name="Catalina" gracefulStopAwaitMillis="5000">
    <Connector protocol="HTTP/1.1" port="8080" bindOnInit="false"/>
    <Connector protocol="org.apache.coyote.http11.Http11NioProtocol" unixDomainSocketPath="/run/tomcat-shop/manager" unixDomainSocketPathPermissions="rw-------" bindOnInit="false" maxThreads="10"/>
    <Engine name="Catalina" defaultHost="localhost" jvmRoute="shop-1" backgroundProcessorDelay="5">
      <Host name="localhost" appBase="/srv/pulumi-kvm/tomcat-shop/webapps" unpackWARs="true" autoDeploy="true" undeployOldVersions="true">
        <Valve className="org.apache.catalina.valves.HealthCheckValve" path="/.health"/>
        <Valve className="org.apache.catalina.valves.AccessLogValve" directory="logs" prefix="access" suffix=".log" maxDays="14" pattern="%h %l %u %t &quot;%r&quot; %s %b %D"/>
        <Valve className="org.apache.catalina.valves.ErrorReportValve" showReport="false" showServerInfo="false"/>
        <Context path="/pulumi-kvm-manager" docBase="/srv/pulumi-kvm/tomcat-shop/manager" privileged="true">
          <Manager pathname=""/>
          <JarScanner scanClassPath="false"/>
          <Valve className="org.apache.catalina.valves.RemoteAddrValve" addConnectorPort="true" allow=".*;(-1|0)"/>
        </Context>
      </Host>
    </Engine>
  </Service>
</Server>
`;

describe("Tomcat's files", () => {
  it("are as Tomcat reads them", () => {
    assert.equal(serverXml(model()), plain);
    assert.equal(
      applicationXml(model(), "/shop"),
      `<?xml version="1.0" encoding="UTF-8"?>
<Context docBase="/srv/pulumi-kvm/tomcat-shop/wars/${sha256}.war" unloadDelay="5000"/>
`,
    );
  });

  it("have connectors, logs and databases as they are declared", () => {
    const declared = model({
      connectors: [
        { port: 80, address: "192.0.2.1", maxThreads: 50, acceptCount: 10, connectionTimeout: "3s", compression: true },
        { protocol: "ajp", port: 8009, secret: 'a"b' },
      ],
      logs: { days: 3, access: false },
      dataSources: { "jdbc/shop": { url: "jdbc:postgresql://db/shop?a=1&b=2", username: "shop" } },
      passwords: { "jdbc/shop": "p<w" },
    });
    const xml = serverXml(declared);
    const line = (word: string) =>
      xml
        .split("\n")
        .find((each) => each.includes(word))
        ?.trim();
    assert.equal(
      line('port="80"'),
      '<Connector protocol="HTTP/1.1" port="80" bindOnInit="false" address="192.0.2.1" maxThreads="50" acceptCount="10" connectionTimeout="3000" compression="on"/>',
    );
    assert.equal(
      line("8009"),
      '<Connector protocol="AJP/1.3" port="8009" bindOnInit="false" address="::" secretRequired="true" secret="a&quot;b"/>',
    );
    assert.equal(line("AccessLogValve"), undefined);
    assert.equal(
      line("<Resource "),
      '<Resource name="jdbc/shop" auth="Container" type="javax.sql.DataSource" driverClassName="org.postgresql.Driver" url="jdbc:postgresql://db/shop?a=1&amp;b=2" username="shop" password="p&lt;w" maxTotal="20" maxIdle="10" minIdle="0" maxWaitMillis="10000" testOnBorrow="true" rollbackOnReturn="true" closeMethod="close"/>',
    );
    assert.match(
      contextXml(declared),
      /<ResourceLink name="jdbc\/shop" global="jdbc\/shop" type="javax.sql.DataSource"\/>/,
    );
    assert.match(releaseOf(declared).files["conf/logging.properties"]!, /maxDays = 3\n/);
  });

  it("have the other members of a cluster by their addresses, and sessions of every application in it", () => {
    const members = ["1", "2", "3"].map((at) => ({ name: `shop-${at}`, address: `192.0.2.${at}` }));
    const declared = model({ cluster: { address: "192.0.2.1", members } });
    const xml = serverXml(declared);
    const found = [...xml.matchAll(/<(LocalMember|Member) .*host="([^"]*)" port="4000" uniqueId="\{([-\d,]+)\}"/g)];
    assert.deepEqual(
      found.map(([, kind, host]) => `${kind} ${host}`),
      ["LocalMember 192.0.2.1", "Member 192.0.2.2", "Member 192.0.2.3"],
    );
    for (const [, , , id] of found) {
      const bytes = id!.split(",").map(Number);
      assert.equal(bytes.length, 16);
      assert.ok(bytes.every((byte) => byte >= -128 && byte <= 127));
    }
    assert.equal(new Set(found.map(([, , , id]) => id)).size, 3);
    assert.match(xml, /<Receiver .*address="192.0.2.1" port="4000" autoBind="0"/);
    assert.match(applicationXml(declared, "/shop"), /<Manager className="org.apache.catalina.ha.session.DeltaManager"/);
    assert.doesNotMatch(contextXml(declared), /<Manager/);
  });

  it("hand java its options as one argument each, whatever is in them", () => {
    const declared = model({
      heap: { initial: "64MiB", maximum: "1GiB" },
      jvmFlags: ["-XX:+UseZGC"],
      properties: { "shop.motd": 'a "quoted" \\ #word' },
      jmx: 9010,
    });
    const options = javaOptions(declared, "/base").split("\n");
    for (const option of ['"-Xmx1073741824"', '"-Xms67108864"', '"-XX:+UseZGC"', '"-Dcatalina.base=/base"'])
      assert.ok(options.includes(option), option);
    assert.ok(options.includes('"-Dshop.motd=a \\"quoted\\" \\\\ #word"'));
    assert.match(jmxOptions(declared), /"-Dcom\.sun\.management\.jmxremote\.host=127\.0\.0\.1"/);
    assert.equal(jmxOptions(model()), "");
  });

  it("are another release when anything in them is different, and only then", () => {
    assert.equal(releaseOf(model()).hash, releaseOf(model()).hash);
    // Applications come and go without it.
    assert.equal(releaseOf(model({ applications: {} })).hash, releaseOf(model()).hash);
    assert.notEqual(releaseOf(model({ heap: { maximum: "300MiB" } })).hash, releaseOf(model()).hash);
    assert.notEqual(releaseOf(model({ jmx: 9010 })).hash, releaseOf(model()).hash);
  });
});
