<%@ page contentType="text/html; charset=UTF-8" session="true" import="java.sql.*, javax.naming.*, javax.sql.*" %>
<%
  Integer before = (Integer) session.getAttribute("visits");
  int visits = before == null ? 1 : before + 1;
  session.setAttribute("visits", visits);
  long all;
  DataSource shop = (DataSource) new InitialContext().lookup("java:comp/env/jdbc/shop");
  try (Connection connection = shop.getConnection(); Statement statement = connection.createStatement()) {
    statement.executeUpdate("insert into visit default values");
    try (ResultSet counted = statement.executeQuery("select count(*) from visit")) {
      counted.next();
      all = counted.getLong(1);
    }
  }
  String id = session.getId();
%>
<!doctype html>
<title>Shop</title>
<h1>Visit <%= visits %></h1>
<p>Of all customers: <b><%= all %></b> visits, says the database.</p>
<p>Served by <b><%= id.contains(".") ? id.substring(id.indexOf('.') + 1) : java.net.InetAddress.getLocalHost().getHostName() %></b>.</p>
