<%@ page contentType="text/html; charset=UTF-8" session="true" %>
<%
  Integer before = (Integer) session.getAttribute("visits");
  int visits = before == null ? 1 : before + 1;
  session.setAttribute("visits", visits);
  String id = session.getId();
%>
<!doctype html>
<title>Shop</title>
<h1>Visit <%= visits %></h1>
<p>Served by <b><%= id.contains(".") ? id.substring(id.indexOf('.') + 1) : java.net.InetAddress.getLocalHost().getHostName() %></b>.</p>
