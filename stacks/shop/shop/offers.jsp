<%@ page contentType="text/html; charset=UTF-8" session="false" %>
<% response.setHeader("Cache-Control", "public, max-age=60"); %>
<!doctype html>
<title>Offers</title>
<h1>Offers</h1>
<p>As of <b><%= java.time.Instant.now() %></b>, for a minute: the web servers keep this page.</p>
