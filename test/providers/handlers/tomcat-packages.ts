/** What the containers of the tests of application servers have: one image for all of them. */
export const tomcatPackages = ["libpostgresql-jdbc-java", "postgresql", "tomcat-jakartaee-migration", "tomcat10"];
