/** What the containers of the tests of application servers have: one image for all of them. */
const debian = "curl libpostgresql-jdbc-java logrotate nginx-light postgresql tomcat-jakartaee-migration tomcat10";

export const tomcatPackages = debian.split(" ");
